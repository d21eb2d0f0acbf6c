"""Shared by all tests: under BOOK_REQUIRE_ALL=1 a test that cannot run here is a failure."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("BOOK_QUIET", "1")


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
