"""What explored tests report: a section and properties of each, one line at the end, one file.

Workers of pytest-xdist send everything with their test reports; only the controller writes.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from spectest.exploration.results import Report
    from spectest.pytest_plugin.items import ExploredFunction

__all__ = ["Results", "attach", "write_whole"]

_FACTS = "spectest"
_WIDTH = 98


def attach(item: ExploredFunction, call: pytest.CallInfo[None], report: pytest.TestReport) -> None:
    """Put what was found on the report of the test's call."""
    reports = getattr(item, "reports", [])
    if not reports:
        return
    error = call.excinfo.value if call.excinfo is not None else None
    failing = item.failing_report(error) if error is not None else None
    text = _text(item, failing or reports[-1])
    executions = sum(one.executions for one in reports)
    properties: dict[str, Any] = {"executions": executions}
    if failing is not None and failing.failure is not None:
        failure = failing.failure
        tried = failure.confirmation
        properties["token"] = failure.token
        properties["order_model"] = failure.order_model
        properties["confirmed"] = "not tried" if tried is None else tried.confirmed
    # The call's report has its copy of the item's properties already, the teardown's gets one.
    for one in (item, report):
        one.user_properties += [(f"spectest_{name}", value) for name, value in properties.items()]
    coverage = _coverage(failing or reports[-1])
    facts = {**properties, "nodeid": item.nodeid, "text": text, "coverage": coverage}
    report.__dict__[_FACTS] = facts
    _show(item.config, report, text)


def _text(item: ExploredFunction, report: Report) -> str:
    import shlex

    from spectest.reporting import text

    if report.failure is None:
        return text.summary(report)
    command = f"pytest {shlex.quote(item.nodeid)} --spectest-replay={report.failure.token}"
    with item.as_it_was_raised(report):
        return text.render(report, replay_hint=command)


def _coverage(report: Report) -> list[str]:
    """The section on coverage, for the end of the run; empty if it was not asked for."""
    from spectest.reporting import covered

    return [] if report.coverage is None else covered.section(report.coverage, _WIDTH)


def _show(config: pytest.Config, report: pytest.TestReport, text: str) -> None:
    """As a section of the report; --show-capture is about captured output and must not hide it."""
    longrepr: Any = report.longrepr
    if config.getoption("showcapture", "all") != "all" and hasattr(longrepr, "addsection"):
        longrepr.addsection("spectest", text, "-")
    else:
        report.sections.append(("spectest", text))


class Results:
    """Collects what the tests report; lives in the process that the user looks at."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._facts: list[dict[str, Any]] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        facts = report.__dict__.get(_FACTS)
        if facts is not None:
            self._facts.append(facts)

    def pytest_sessionfinish(self) -> None:
        path = self._config.getoption("spectest_report") or self._config.getini("spectest_report")
        if not path:
            return
        target = Path(path)
        if not target.is_absolute():
            target = self._config.invocation_params.dir / target
        pages = map(_page, _sorted(self._facts))
        write_whole(target, "\n\n".join(pages) or "no test was explored\n")

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if not self._facts:
            return
        failed = [one for one in self._facts if "token" in one]
        executions = sum(one["executions"] for one in self._facts)
        parts = [_count(len(self._facts), "test"), _count(executions, "execution")]
        if failed:
            parts.append(f"{len(failed)} failed ({_in_real_time(failed)})")
        terminalreporter.write_line(f"spectest: {', '.join(parts)}")
        for one in _sorted(self._facts):
            if one["coverage"]:
                terminalreporter.write_line(f"coverage of {one['nodeid']}")
            for line in one["coverage"]:
                terminalreporter.write_line(f"  {line}")


def _sorted(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """By test; workers send them as they come."""
    return sorted(facts, key=lambda one: str(one["nodeid"]))


def _page(facts: dict[str, Any]) -> str:
    text = facts["text"].rstrip()
    return f"{facts['nodeid']}\n\n{text}\n" if "token" in facts else f"{text}\n"


def _in_real_time(failed: list[dict[str, Any]]) -> str:
    words = {True: "confirmed", False: "not confirmed"}
    answers = [words.get(one["confirmed"], "not tried") for one in failed]
    kinds = ("confirmed", "not confirmed", "not tried")
    counts = [f"{answers.count(kind)} {kind}" for kind in kinds if kind in answers]
    return f"{', '.join(counts)} in real time"


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def write_whole(path: Path, text: str) -> None:
    """Write the file, or leave what was there."""
    import tempfile

    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise
