"""Records of real invocations, run again on virtual time."""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

import pytest

import spectest
from spectest import patterns
from spectest.exploration.recorded import Replay, replay_record
from spectest.patterns import Branch, EagerRace, FirstValid, Hedge, Ranked, WaitForAll

INPUTS = {"question": "how many?"}
RUN = "11111111-1111-4111-8111-111111111111/7"


class Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.records: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record.speculation_record)  # type: ignore[attr-defined]


def recorded(policy: Any, decision: Any, **branches: tuple[float, Any]) -> dict[str, Any]:
    """The record of a real run, on stock asyncio: branches by name, each (seconds, answer)."""

    def answering(seconds: float, answer: Any) -> Any:
        async def call(inputs: Any) -> Any:
            await asyncio.sleep(seconds)
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call

    async def production() -> None:
        raced = [
            Branch(name, answering(*how), valid=lambda answer: answer is not None)
            for name, how in branches.items()
        ]
        await patterns.speculate(raced, INPUTS, policy, run_id=RUN, decision=decision, sample=1.0)
        await patterns.settled()

    kept, logger = Kept(), logging.getLogger("spectest.patterns")
    level = logger.level
    logger.addHandler(kept)
    logger.setLevel(logging.INFO)
    try:
        asyncio.run(production())
    finally:
        logger.removeHandler(kept)
        logger.setLevel(level)
    (record,) = kept.records
    return record


def rehearsal(
    policy: Any, decision: Any, inputs: Any = INPUTS, run_id: str = RUN, **answers: Any
) -> Any:
    """A program of the same branches, whose services may take any time up to a second."""

    async def program() -> str:
        services = {
            name: spectest.FakeService(name, latency=(0.0, 1.0), answer=answer)
            for name, answer in answers.items()
        }
        raced = [
            Branch(name, service, valid=lambda answer: answer is not None)
            for name, service in services.items()
        ]
        return (
            await patterns.speculate(raced, inputs, policy, run_id=run_id, decision=decision)
        ).branch

    return program


def told(record: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        record["winning_branch_index"],
        record["deterministic_tie_breaker_seed"],
        record["branch_validities"],
        record["branch_outcomes"],
    )


@pytest.mark.parametrize(
    "policy, decision",
    [
        (EagerRace(), FirstValid()),
        (EagerRace(), Ranked()),
        (EagerRace(), WaitForAll()),
        (Hedge(0.02), FirstValid()),
    ],
)
def test_a_real_record_replays_to_the_same_winner_seed_and_validities(
    policy: Any, decision: Any
) -> None:
    record = recorded(policy, decision, a=(0.06, "A"), b=(0.02, None), c=(0.03, "C"))
    replay = replay_record(rehearsal(policy, decision, a="A", b=None, c="C"), record)
    assert replay.differences == ()
    assert told(replay.record) == told(record)


def replay_of_a_race() -> tuple[dict[str, Any], Any, Replay]:
    record = recorded(EagerRace(), FirstValid(), a=(0.04, "A"), b=(0.06, "B"), c=(0.06, "C"))
    program = rehearsal(EagerRace(), FirstValid(), a="A", b="B", c="C")
    return record, program, replay_record(program, record)


def test_only_the_holds_that_mattered_are_left() -> None:
    record, program, replay = replay_of_a_race()
    assert record["winning_branch_index"] == 0
    # The others take 500 ms if nobody holds them, so one millisecond less is enough for `a`.
    assert list(replay.plan.holds) == ["a#1"]
    assert replay.plan.holds["a#1"].by_ns == -1_000_000
    assert spectest.replay(program, replay.token) == "a"


def test_a_record_that_says_something_else_is_told_field_by_field() -> None:
    record, program, _ = replay_of_a_race()
    record["ranking"] = [2, 1, 0]
    record["committed"] = 3
    replay = replay_record(program, record)
    assert [(it.field, it.recorded, it.replayed) for it in replay.differences] == [
        ("ranking[0]", 2, 0),
        ("ranking[1]", 1, 2),
        ("ranking[2]", 0, 1),
        ("committed", 3, 0),
    ]


def test_a_sleep_that_cannot_be_so_short_is_named() -> None:
    record = recorded(EagerRace(), WaitForAll(), a=(0.01, "A"), b=(0.03, "B"))

    async def program() -> str:
        async def sleeps(inputs: Any) -> str:
            await asyncio.sleep(0.5)
            return "A"

        raced = [Branch("a", sleeps), Branch("b", spectest.FakeService("b", latency=(0, 1)))]
        decision = WaitForAll()
        return (await patterns.speculate(raced, INPUTS, run_id=RUN, decision=decision)).branch

    replay = replay_record(program, record)
    assert "branch_latencies_ms[0]" in [it.field for it in replay.differences]
    (reason,) = replay.unreached
    assert "of branch 'a' is a sleep of 500 ms, which never ends early" in reason


def test_another_run_and_other_inputs_are_refused() -> None:
    record, _, _ = replay_of_a_race()
    answers = {"a": "A", "b": "B", "c": "C"}
    elsewhere = rehearsal(EagerRace(), FirstValid(), run_id="x/1", **answers)
    with pytest.raises(spectest.UsageError, match=f"no record of run {RUN}, but x/1"):
        replay_record(elsewhere, record)
    with pytest.raises(spectest.UsageError, match="had other inputs: their hash is"):
        replay_record(rehearsal(EagerRace(), FirstValid(), {"q": 2}, **answers), record)


async def silent() -> None:
    """Speculates not at all."""


def test_a_program_without_a_record_is_refused() -> None:
    record, _, _ = replay_of_a_race()
    with pytest.raises(spectest.UsageError, match=f"no record of run {RUN}, but none at all"):
        replay_record(silent, record)


def test_how_long_a_loser_took_to_go_is_not_compared() -> None:
    record, program, _ = replay_of_a_race()
    record["branch_latencies_ms"][1] += 200.0
    assert replay_record(program, record).differences == ()


async def raises() -> None:
    raise LookupError("no such inputs")


def test_a_program_that_raises_before_its_record_is_of_no_use() -> None:
    record, _, _ = replay_of_a_race()
    with pytest.raises(spectest.UsageError, match="the program raised LookupError: no such inp"):
        replay_record(raises, record)
