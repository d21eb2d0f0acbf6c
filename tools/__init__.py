"""The commands behind the Makefile; each is run as `python -m tools.<name>` from the repository root."""
