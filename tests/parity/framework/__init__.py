"""What parity tests of all lessons are made of.

A lesson declares, in `tests/parity/lesson_NN`, its cases (a part of the lesson and a published implementation), its
damages (what the comparison has to notice) and its full-size counts; `tests/parity/test_parity.py` finds and runs them.
"""
