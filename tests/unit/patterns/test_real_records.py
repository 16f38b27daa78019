"""Records of speculations that took place, on stock asyncio and on stock threads."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jsonschema
import pytest

from spectest import patterns
from spectest.patterns import Branch
from spectest.patterns.policies import Decision, Policy
from spectest.patterns.records import Record, record_schema

SCHEMA = jsonschema.Draft202012Validator(record_schema())
FIRST_VALID = patterns.FirstValid()
RANKED = patterns.Ranked()
Inputs = Mapping[str, Any]


async def prompt(inputs: Inputs) -> str:
    await asyncio.sleep(0.002)
    return "secret answer"


async def slow(inputs: Inputs) -> str:
    await asyncio.sleep(0.004)
    return "secret answer"


async def stubborn(inputs: Inputs) -> str:
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.sleep(0.01)
    return "secret answer"


async def broken(inputs: Inputs) -> str:
    raise ValueError(f"secret of {inputs}")


async def hangs(inputs: Inputs) -> str:
    await asyncio.sleep(60)
    return "secret answer"


CALLS = (prompt, slow, stubborn, broken)


def read(caplog: pytest.LogCaptureFixture) -> Record:
    """The record that was logged; it keeps the schema, is consistent and tells no secret."""
    (entry,) = (one for one in caplog.records if "speculation_record" in vars(one))
    assert "secret" not in entry.getMessage()
    SCHEMA.validate(vars(entry)["speculation_record"])
    record = Record.from_json(entry.getMessage())
    assert record.to_json() == vars(entry)["speculation_record"]
    return record


@pytest.mark.parametrize("decision", [RANKED, FIRST_VALID, patterns.WaitForAll(pick="literal")])
@pytest.mark.parametrize(
    "policy",
    [
        patterns.EagerRace(),
        patterns.FirstValidOf(2),
        patterns.Tied(0.001),
        patterns.Sequential(),
        patterns.Cascade(),
        patterns.Hedge(0.001),
    ],
)
def test_what_coroutines_write_is_read(
    policy: Policy, decision: Decision, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")
    branches = [Branch(call.__name__, call, timeout=1) for call in CALLS]
    limiter = patterns.Limiter(3)

    async def main() -> None:
        inputs = {"user": "secret"}
        await patterns.speculate(
            branches,
            inputs,
            policy,
            run_id="w/1",
            decision=decision,
            limiter=limiter,
            sample=1,
        )
        await patterns.settled()

    asyncio.run(main())
    record = read(caplog)
    assert record.policy == repr(policy)
    assert record.limiter is not None
    assert record.sampled_because == "hash"


def test_nobody_has_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")
    branches = [Branch("broken", broken), Branch("hangs", hangs, timeout=0.001)]

    async def main() -> None:
        with pytest.raises(patterns.AllBranchesFailed):
            await patterns.speculate(branches, {}, run_id="w/1", sample=1)
        await patterns.settled()

    asyncio.run(main())
    record = read(caplog)
    assert record.branch_outcomes == ("raised ValueError", "timed out")
    assert record.winning_branch_index is None
    assert record.decided_after_ms is not None


def test_a_caller_that_leaves_leaves_no_decision(caplog: pytest.LogCaptureFixture) -> None:
    """Nor does an answer that is there already make one."""
    caplog.set_level(logging.INFO, "spectest.patterns")
    answered = asyncio.Event()

    async def quick(inputs: Inputs) -> str:
        answered.set()
        return "secret answer"

    async def main() -> None:
        speculation = asyncio.ensure_future(
            patterns.speculate(
                [Branch("quick", quick), Branch("hangs", hangs)],
                {},
                run_id="w/1",
                decision=patterns.WaitForAll(),
                sample=1,
            )
        )
        await answered.wait()
        await asyncio.sleep(0.005)
        speculation.cancel()
        with pytest.raises(asyncio.CancelledError):
            await speculation
        await patterns.settled()

    asyncio.run(main())
    record = read(caplog)
    assert record.branch_outcomes == ("valid", "cancelled")
    assert (record.winning_branch_index, record.decided_after_ms) == (None, None)


def test_what_threads_write_is_read(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "spectest.patterns")

    def quick(inputs: Inputs) -> int:
        return 1

    def late(inputs: Inputs) -> int:
        time.sleep(0.01)
        return 2

    with ThreadPoolExecutor(3) as pool:
        patterns.threads.speculate(
            [Branch("quick", quick), Branch("late", late), Branch("later", late)],
            {},
            run_id="w/1",
            decision=FIRST_VALID,
            executor=pool,
            sample=1,
        )
    for _ in range(500):
        if caplog.records:
            break
        time.sleep(0.01)
    record = read(caplog)
    assert record.branch_names == ("quick", "late", "later")
    assert record.winning_branch_index is not None
