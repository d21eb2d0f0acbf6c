"""The commands behind the Makefile; each is run as `python -m tools.<folder>.<name>` from the repository root."""
