"""A measurement that goes on gets a context for each execution, and its own one back."""

import threading
from typing import Any

import coverage
import pytest

import spectest
from spectest.exploration.contexts import Contexts


class Measuring:
    """As much of `coverage.Coverage` as contexts are about."""

    def __init__(self, before: str | None = None, **options: str) -> None:
        self.options = {f"run:{name}": value for name, value in options.items()}
        self.static = self.options.get("run:context") or ""
        self.context = before
        self.seen: list[str | None] = []

    def get_option(self, name: str) -> Any:
        return self.options.get(name)

    def switch_context(self, new: str) -> str | None:
        before = self.context
        self.context = "|".join(filter(None, (self.static, new)))
        self.seen.append(self.context)
        return before


@pytest.fixture
def measured_by(monkeypatch: pytest.MonkeyPatch) -> Any:
    def measure(measuring: Measuring | None) -> Contexts:
        monkeypatch.setattr(coverage.Coverage, "current", lambda: measuring)
        return Contexts("test_it")

    return measure


@pytest.mark.parametrize(
    "before, options, during",
    [
        ("test_it|run", {}, "spectest|test_it|stock"),
        ("", {}, "spectest|test_it|stock"),
        ("ci", {"context": "ci"}, "ci|spectest|test_it|stock"),
        ("ci|test_it|run", {"context": "ci"}, "ci|spectest|test_it|stock"),
        ("circus", {"dynamic_context": "none"}, "spectest|test_it|stock"),
    ],
)
def test_the_context_comes_back(
    measured_by: Any, before: str, options: dict[str, str], during: str
) -> None:
    measuring = Measuring(before, **options)
    contexts = measured_by(measuring)
    with pytest.raises(ZeroDivisionError), contexts.switched("stock"):
        raise ZeroDivisionError
    assert measuring.seen == [during, before]
    assert contexts.remark == ""


def test_there_was_none(measured_by: Any) -> None:
    measuring = Measuring(None)
    with measured_by(measuring).switched("execution 7"):
        pass
    assert measuring.seen == ["spectest|test_it|execution 7", ""]


def test_nobody_measures(measured_by: Any) -> None:
    contexts = measured_by(None)
    with contexts.switched("stock"):
        pass
    assert contexts.remark == ""


def lose_an_update() -> None:
    total = [0]

    def add() -> None:
        before = total[0]
        total[0] = before + 1

    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert total == [2]


def test_only_executions_that_count_get_one(measured_by: Any) -> None:
    measuring = Measuring("test_it|run")
    measured_by(measuring)
    report = spectest.explore(lose_an_update, coverage=True, runs=40, margin=True)
    (note,) = report.notes
    assert "data race" in note
    assert len(measuring.seen) == 2 * report.executions
    assert measuring.context == "test_it|run"


def test_who_switches_contexts_is_not_disturbed(measured_by: Any) -> None:
    measuring = Measuring(dynamic_context="test_function")
    contexts = measured_by(measuring)
    with contexts.switched("stock"):
        pass
    assert measuring.seen == []
    assert "dynamic_context = 'test_function'" in contexts.remark
