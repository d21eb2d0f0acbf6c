"""Files are whole or not there, two runs don't meet, and a machine that refuses is told in one sentence."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tools.lesson import files
from tools.lesson.files import as_command, locked, write_atomically
from tools.lesson.normalise import text_of
from tools.lesson.read import ROOT
from tools.run import notebooks


def test_a_file_is_replaced_and_nothing_is_left(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    write_atomically(path, "one\n")
    assert path.stat().st_mode & 0o777 == 0o666 & ~files._umask()
    path.chmod(0o640)
    write_atomically(path, "zwei ë\n")
    assert path.read_bytes() == "zwei ë\n".encode()
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "page.md"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(path, "half of it \ud800")
    monkeypatch.setattr(Path, "replace", _full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def _full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "page.md")


def test_many_writers_at_once(tmp_path: Path) -> None:
    path = tmp_path / "page.md"
    texts = [str(number) * 100_000 for number in range(8)]
    writers = [threading.Thread(target=write_atomically, args=(path, text)) for text in texts]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert path.read_text() in texts
    assert list(tmp_path.iterdir()) == [path]


def test_the_second_waits_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, order = tmp_path / "lessons" / "01_first.ipynb", []
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))

    def second() -> None:
        with locked(path, "another run has it; waiting"):
            order.append("second")

    with locked(path, "never said"):
        thread = threading.Thread(target=second)
        thread.start()
        time.sleep(0.3)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]
    assert capsys.readouterr().err == "Another run has it; waiting …\n"
    assert list(tmp_path.iterdir()) == []
    with locked(path, "never said"), locked(tmp_path / "02_second.ipynb", "never said"):
        pass
    assert capsys.readouterr().err == ""


def test_only_one_at_a_time(tmp_path: Path) -> None:
    """Each adds one to the number it reads: two at once would lose one."""
    path = tmp_path / "count"
    path.write_text("0")

    def add() -> None:
        for _ in range(5):
            with locked(path, "waiting"):
                number = int(path.read_text())
                time.sleep(0.005)
                path.write_text(str(number + 1))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() == "20"


def refused(*_: object) -> int:
    raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(ROOT / "book" / "status.md"))


@pytest.mark.parametrize(
    ("main", "status", "says"),
    [
        (lambda: 3, 3, ""),
        (refused, 1, "The machine refuses book/status.md: Read-only file system. Mend that and run it again.\n"),
    ],
)
def test_a_refusal_is_one_sentence(
    main: object, status: int, says: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert as_command(main) == status  # type: ignore[arg-type]
    assert capsys.readouterr().err == says


def test_other_faults_keep_their_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        as_command(lambda: 1 // 0)


def test_a_lesson_in_a_folder_that_cannot_be_written_to_is_not_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "01_first.ipynb"
    path.write_text(text_of(new_notebook(cells=[new_code_cell("print(1)", id="only")])))
    monkeypatch.setattr(notebooks.os, "access", lambda *_: False)
    monkeypatch.setattr(notebooks, "execute", refused)
    assert notebooks.main([str(path)]) == 1
    assert "01_first.ipynb, its folder cannot be written to, so nothing was run" in capsys.readouterr().err


COMMANDS = (
    *("tools.run.notebooks", "tools.run.diff_outputs", "tools.run.repeat", "tools.run.figures"),
    *("tools.run.check", "tools.run.cells", "tools.matrix", "tools.matrix.diff --leg book"),
)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_terminal_of_few_letters_is_no_traceback(command: str) -> None:
    """The name asked for cannot be shown there; what is said can."""
    settings = os.environ | {"PYTHONIOENCODING": "ascii"}
    result = subprocess.run(
        [sys.executable, "-m", *command.split(), "99_größe"], cwd=ROOT, env=settings, capture_output=True, check=False
    )
    assert result.returncode in (1, 2)
    assert result.stderr.startswith(b"there is no lesson '99_gr??e'; the lessons are: 01_")
    assert result.stderr.count(b"\n") == 1


def test_a_lesson_of_many_letters_is_run_on_such_a_terminal(tmp_path: Path) -> None:
    path = tmp_path / "01_first.ipynb"
    path.write_text(text_of(new_notebook(cells=[new_code_cell("print('größer · ━')", id="only")])), encoding="utf-8")
    settings = os.environ | {"PYTHONIOENCODING": "ascii", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for command in ("tools.run.notebooks", "tools.run.diff_outputs"):
        arguments = [sys.executable, "-m", command, str(path)]
        result = subprocess.run(arguments, cwd=ROOT, env=settings, capture_output=True, check=False)
        assert (result.returncode, result.stderr) == (0, b"")
    assert "größer · ━" in path.read_text(encoding="utf-8")
