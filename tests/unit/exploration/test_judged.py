"""Oracles in a search, a replay, and a confirmation in real time."""

import asyncio
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import pytest

import spectest
from spectest import oracles
from spectest.kernel.trace import Trace

STEPS = logging.getLogger("spectest.patterns.steps")


def tell(kind: str, **facts: Any) -> None:
    STEPS.debug("%s", kind, extra={"speculation": {"kind": kind, **facts}})


@dataclass(frozen=True)
class SameBranch:
    """The program returns the answer of the branch that it returned in stock order."""

    name: str = "same branch"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[oracles.Verdict]:
        if reference is None:
            return
        was = [it.branch for it in oracles.Story(reference).winners]
        now = [it.branch for it in oracles.Story(trace).winners]
        if was != now:
            yield oracles.Verdict(self.name, "another branch", f"{now} after {was}")


a = spectest.FakeService("a", latency=(0.02, 0.03), answer="A")
b = spectest.FakeService("b", latency=(0.025, 0.035), answer="B")


async def first_done() -> Any:
    calls = [asyncio.create_task(a()), asyncio.create_task(b())]
    done, pending = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for call in pending:
        call.cancel()
    return next(call.result() for call in calls if call in done)


def first_done_of_threads() -> Any:
    with ThreadPoolExecutor(2) as pool:
        futures = [pool.submit(_in_thread, "a", a), pool.submit(_in_thread, "b", b)]
        done, _ = wait(futures, return_when=FIRST_COMPLETED)
        return next(future.result() for future in futures if future in done)


def _in_thread(name: str, service: spectest.FakeService) -> Any:
    me = threading.Event()
    tell("attempt", attempt=me, branch=name, speculation=None)
    answer = service.blocking()
    tell("outcome", attempt=me, detail="valid", value=answer)
    return answer


@pytest.mark.parametrize("program", [first_done, first_done_of_threads])
def test_what_an_oracle_finds_is_shrunk_replayed_and_confirmed(program: Any) -> None:
    report = spectest.explore(program, oracles=SameBranch(), confirm=True)
    failure = report.failure
    assert failure is not None
    assert isinstance(failure.error, spectest.OracleViolation)
    assert str(failure.error) == "same branch: ['b'] after ['a']"
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed, failure.confirmation.reason
    with pytest.raises(spectest.OracleViolation):
        spectest.replay(program, failure.token, oracles=SameBranch())
    assert spectest.replay(program, failure.token) == "B"
    assert spectest.confirm(program, failure.token, oracles=SameBranch()).confirmed


def test_another_finding_is_another_failure() -> None:
    @dataclass(frozen=True)
    class Moody:
        name: str = "moody"

        def judge(self, trace: Trace, reference: Trace | None) -> Iterable[oracles.Verdict]:
            holds = [it for it in trace.of_kind("outcome") if it.time_ns > 26_000_000]
            if reference is not None and holds:
                finding = "both late" if len(holds) == 2 else "one late"
                yield oracles.Verdict(self.name, finding, finding)

    async def both() -> None:
        await asyncio.gather(a(), b())

    signatures = set()
    for seed in range(6):
        failure = spectest.explore(both, oracles=Moody(), seed=seed).failure
        assert failure is not None
        assert isinstance(failure.error, spectest.OracleViolation)
        signatures.add(failure.error.finding)
        late = [it for it in failure.trace.of_kind("outcome") if it.time_ns > 26_000_000]
        assert len(late) == (2 if failure.error.finding == "both late" else 1)
    assert signatures


def test_a_failure_of_the_program_itself_comes_first() -> None:
    async def fails() -> None:
        raise LookupError

    failure = spectest.explore(fails, oracles=SameBranch()).failure
    assert failure is not None
    assert isinstance(failure.error, LookupError)


@pytest.mark.parametrize(
    "given, complaint",
    [
        (SameBranch, r"SameBranch\(\)"),
        ([SameBranch(), 3], "3 is none"),
        ("ties", "use one of tie_breaking"),
    ],
)
def test_what_is_no_oracle_is_refused(given: Any, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint):
        spectest.explore(first_done, oracles=given)
