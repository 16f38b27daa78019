import asyncio
import logging
from typing import Any

import pytest

import spectest
from spectest import oracles
from spectest.kernel.trace import Trace
from spectest.watch.steps import LOGGER, steps_heard

STEPS = logging.getLogger(LOGGER)


def tell(kind: str, **facts: Any) -> None:
    if STEPS.isEnabledFor(logging.DEBUG):
        STEPS.debug("%s", kind, extra={"speculation": {"kind": kind, **facts}})


class Keeping:
    """Judges nothing and keeps the traces."""

    name = "keeping"

    def __init__(self) -> None:
        self.traces: list[Trace] = []

    def judge(self, trace: Trace, reference: Trace | None) -> list[oracles.Verdict]:
        self.traces.append(trace)
        return []

    def steps(self, *kinds: str) -> list[tuple[str, str, str, str]]:
        """Kind, subject, task and detail of the last trace's events of these kinds."""
        events = self.traces[-1].of_kind(*kinds)
        return [(it.kind, it.subject, it.task, it.detail) for it in events]


async def branch(name: str, race: object, seconds: float) -> str:
    me = object()
    tell("attempt", attempt=me, branch=name, speculation=race)
    await asyncio.sleep(seconds)
    tell("outcome", attempt=me, detail="valid", value=name.upper())
    return name.upper()


async def pipeline() -> str:
    race = object()
    tell("speculation", speculation=race, detail="of a, b")
    async with asyncio.TaskGroup() as group:
        group.create_task(branch("a", race, 0.1), name="task of a")
        group.create_task(branch("b", race, 0.2), name="task of b")
    answer = await branch("a", race, 0.0)
    tell("record", speculation=race, record={"z": 1, "a": [2]})
    return answer


def test_steps_reach_the_trace_with_names_by_appearance() -> None:
    keeping = Keeping()
    spectest.run(pipeline, oracles=keeping)
    assert keeping.steps("speculation", "attempt", "outcome", "record", "result") == [
        ("speculation", "speculation", "pipeline (Task-1)", "of a, b"),
        ("attempt", "a", "task of a", "speculation"),
        ("attempt", "b", "task of b", "speculation"),
        ("outcome", "a", "task of a", "valid 'A'"),
        ("outcome", "b", "task of b", "valid 'B'"),
        ("attempt", "a (2)", "pipeline (Task-1)", "speculation"),
        ("outcome", "a (2)", "pipeline (Task-1)", "valid 'A'"),
        ("record", "speculation", "pipeline (Task-1)", '{"a": [2], "z": 1}'),
        ("result", "a, a (2)", "", "'A'"),
    ]


def test_a_result_that_is_only_equal_belongs_to_all_that_gave_it() -> None:
    async def copies() -> list[str]:
        race, me, you = object(), object(), object()
        for one, name in ((me, "a"), (you, "b")):
            tell("attempt", attempt=one, branch=name, speculation=race)
            tell("outcome", attempt=one, detail="valid", value=["x"])
        return ["x"]

    keeping = Keeping()
    spectest.run(copies, oracles=keeping)
    assert keeping.steps("result") == [("result", "a, b", "", "['x']")]


def test_nothing_is_heard_and_nothing_changes_without_judges() -> None:
    tokens = set()
    for judges in ((), Keeping()):
        report = spectest.explore(_fails_when_b_is_late, oracles=judges, runs=50)
        assert report.failure is not None
        tokens.add((report.failure.token, report.failure.found_at))
    assert len(tokens) == 1


async def _fails_when_b_is_late() -> None:
    service = spectest.FakeService("b", latency=(0.01, 0.3))
    race = object()
    done, _ = await asyncio.wait(
        [asyncio.create_task(branch("a", race, 0.1)), asyncio.create_task(service())],
        return_when=asyncio.FIRST_COMPLETED,
    )
    assert all(task.result() is None for task in done)


def test_the_logger_is_as_before_afterwards(caplog: pytest.LogCaptureFixture) -> None:
    before = STEPS.level, STEPS.propagate, STEPS.disabled, list(STEPS.handlers)
    caplog.set_level(logging.INFO)
    spectest.run(pipeline, oracles=Keeping())
    assert (STEPS.level, STEPS.propagate, STEPS.disabled, list(STEPS.handlers)) == before
    assert caplog.records == []


def test_who_has_switched_the_steps_on_sees_them(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, logger=LOGGER):
        spectest.run(pipeline)
    assert [record.getMessage() for record in caplog.records][:2] == ["speculation", "attempt"]


def test_a_program_that_switches_the_logger_off_is_told() -> None:
    async def deafens() -> None:
        STEPS.disabled = True

    with pytest.raises(spectest.UsageError, match="so the oracles were deaf"):
        spectest.run(deafens, oracles=Keeping())
    assert not STEPS.disabled


def test_entries_of_others_are_no_steps() -> None:
    heard: list[Any] = []
    with steps_heard(heard.append):
        STEPS.debug("hello")
        STEPS.debug("hello", extra={"speculation": "no mapping"})
        tell("unknown")
    assert heard == [{"kind": "unknown"}]


def test_services_tell_of_their_calls() -> None:
    good = spectest.FakeService("good", latency=0.01, answer="yes")
    bad = spectest.FakeService("bad", latency=0.01, answer=None, valid=lambda it: it is not None)
    slow = spectest.FakeService("slow", latency=9.0)
    broken = spectest.FakeService("broken", latency=0.02, answer=_raise)

    async def asks() -> str:
        late = asyncio.create_task(slow())
        await bad()
        await asyncio.gather(broken(), return_exceptions=True)
        late.cancel()
        await asyncio.wait([late])
        return str(await good())

    keeping = Keeping()
    spectest.run(asks, oracles=keeping)
    assert next((it[1], it[3]) for it in keeping.steps("attempt")) == ("bad#1", "service")
    assert [(it[1], it[3]) for it in keeping.steps("outcome", "result")] == [
        ("bad#1", "invalid None"),
        ("broken#1", "raised LookupError: nothing here"),
        ("slow#1", "cancelled"),
        ("good#1", "valid 'yes'"),
        ("good#1", "'yes'"),
    ]


def _raise() -> None:
    raise LookupError("nothing here")
