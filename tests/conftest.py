"""Shared by all tests: choosing a lesson's; under BOOK_REQUIRE_ALL=1 a test that cannot run here is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.shared.selection import is_chosen, lessons_of, wanted
from tools.lesson.read import lesson_paths

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("BOOK_QUIET", "1")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--lesson 05` chooses the tests about this lesson, `--lesson none` those about no lesson."""
    words = "only the tests about this lesson (05 or its name; none: those about no lesson); repeatable"
    parser.addoption("--lesson", action="append", default=[], metavar="NB", help=words)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect what was not asked for; keep a lesson's tests on one worker, since they share one run of the lesson."""
    known = [path.stem for path in lesson_paths()]
    about = {item: lessons_of(item, known) for item in items}
    if config.pluginmanager.hasplugin("xdist"):
        for item, lessons in about.items():
            if lessons:
                item.add_marker(pytest.mark.xdist_group("+".join(sorted(lessons))))
    if not config.getoption("lesson"):
        return
    try:
        chosen = wanted(config.getoption("lesson"))
    except ValueError as error:
        raise pytest.UsageError(str(error)) from None
    rest = [item for item in items if not is_chosen(about[item], chosen)]
    config.hook.pytest_deselected(items=rest)
    items[:] = [item for item in items if is_chosen(about[item], chosen)]


def must_run_all() -> bool:
    """Whether this is a machine on which nothing may be skipped (`.ci/run` says so)."""
    return os.environ.get("BOOK_REQUIRE_ALL") == "1"


def _fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    if report.skipped and must_run_all() and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"{reason}\nBOOK_REQUIRE_ALL=1 allows no test to be skipped: install what it asks for."


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    """Turn the skipping of a test into a failure where nothing may be skipped."""
    report = yield
    _fail_if_skipped(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Iterator[None]:
    """The same for a module skipped as a whole."""
    report = yield
    _fail_if_skipped(report)
    return report
