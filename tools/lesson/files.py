"""Files and terminals: nobody ever sees half a file, two runs don't meet, and trouble is told in a sentence."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from filelock import FileLock, Timeout


def write_atomically(path: Path, text: str) -> None:
    """Replace the file in one step: a reader sees the old lesson or the new one, never half of it."""
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o666 & ~_umask()
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-", suffix=".tmp")
    except OSError as error:  # about the file that is meant, not about the scratch file
        raise OSError(error.errno, error.strerror, str(path)) from None
    scratch = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
        scratch.chmod(mode)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise


@contextmanager
def locked(path: Path, waiting: str) -> Iterator[None]:
    """Hold `path` alone, for a run that reads and rewrites it. Where another does, say `waiting` and wait.

    The lock lies among the temporary files, so that nothing is left beside `path`.
    """
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    lock = FileLock(Path(tempfile.gettempdir(), f"book-{os.getuid()}-{key}.lock"))
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"{waiting[0].upper()}{waiting[1:]} …", file=sys.stderr, flush=True)
        lock.acquire()
    try:
        yield
    finally:
        Path(lock.lock_file).unlink(missing_ok=True)  # while it is held: whoever waits then makes it anew
        lock.release()


def as_command(main: Callable[[], int]) -> int:
    """Run a command's `main` on any terminal; its status, or 1 and one sentence where the machine refuses."""
    for stream in (sys.stdout, sys.stderr):
        _accept_any_letter(stream)
    try:
        return main()
    except KeyboardInterrupt:
        print("\nStopped; what was not finished is as it was.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `make … | head`: nobody reads on
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        where = f" {os.path.relpath(error.filename)}" if isinstance(error.filename, str) else ""
        print(f"The machine refuses{where}: {error.strerror or error}. Mend that and run it again.", file=sys.stderr)
        return 1


def _accept_any_letter(stream: TextIO) -> None:
    """A terminal whose letters are few shows `?` for the others."""
    with contextlib.suppress(AttributeError):  # a stream that is no terminal and no file
        stream.reconfigure(errors="replace")  # type: ignore[attr-defined]


def _umask() -> int:
    """The process's umask; it can only be read by setting it."""
    present = os.umask(0o022)
    os.umask(present)
    return present
