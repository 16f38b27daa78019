"""`Branch` refuses what cannot be one; the decorator `branch` tells and changes nothing."""

import asyncio
import inspect
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from spectest.patterns import Branch, Hedge, branch, settled, speculate, stage


async def answers(inputs: Any) -> str:
    return "answer"


async def yields(inputs: Any) -> AsyncIterator[int]:
    yield 1


def yields_too(inputs: Any) -> Iterator[int]:
    yield 1


async def judges(answer: Any) -> bool:
    return True


@pytest.mark.parametrize(
    "arguments, error, words",
    [
        ({"name": ""}, TypeError, "has a name"),
        ({"name": 3}, TypeError, "has a name"),
        ({"call": 3}, TypeError, "branch 'llm': 3 is no function"),
        ({"call": yields}, TypeError, "branch 'llm': .*yields.* has one answer"),
        ({"call": yields_too}, TypeError, "branch 'llm': .*yields.* has one answer"),
        ({"valid": 3}, TypeError, "branch 'llm': valid is 3"),
        ({"valid": judges}, TypeError, "branch 'llm': valid is a coroutine function"),
        ({"client": 3}, TypeError, "branch 'llm': client is 3"),
        ({"timeout": 0}, ValueError, "branch 'llm': timeout is 0"),
        ({"timeout": float("nan")}, ValueError, "branch 'llm': timeout is nan"),
    ],
)
def test_what_cannot_be_a_branch_is_refused_by_name(
    arguments: dict[str, Any], error: type[Exception], words: str
) -> None:
    complete: dict[str, Any] = {"name": "llm", "call": answers} | arguments
    with pytest.raises(error, match=words):
        Branch(**complete)


def test_a_coroutine_instead_of_its_function_is_refused_and_closed() -> None:
    called = answers(1)
    with pytest.raises(TypeError, match="without calling it"):
        Branch("llm", called)  # type: ignore[arg-type]
    assert inspect.getcoroutinestate(called) == inspect.CORO_CLOSED


class Steps(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.told: list[dict[str, Any]] = []

    def emit(self, entry: logging.LogRecord) -> None:
        self.told.append(entry.speculation)  # type: ignore[attr-defined]

    def kinds(self) -> list[str]:
        return [step["kind"] for step in self.told]

    def outcomes(self) -> list[tuple[str, Any]]:
        return [(one["detail"], one["value"]) for one in self.told if one["kind"] == "outcome"]


@pytest.fixture
def steps() -> Iterator[Steps]:
    logger, handler = logging.getLogger("spectest.patterns.steps"), Steps()
    before = logger.level, logger.propagate
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(before[0])
    logger.propagate = before[1]


def test_the_decorator_tells_the_attempt_and_its_outcome(steps: Steps) -> None:
    @branch("llm", valid=bool)
    async def llm(question: str, *, tokens: int = 3) -> str:
        return question * tokens

    assert asyncio.run(llm("a")) == "aaa"
    assert asyncio.run(llm("a", tokens=0)) == ""
    first, outcome, second, _ = steps.told
    assert steps.kinds() == ["attempt", "outcome", "attempt", "outcome"]
    assert (first["branch"], first["speculation"]) == ("llm", None)
    assert outcome["attempt"] is first["attempt"] is not second["attempt"]
    assert steps.outcomes() == [("valid", "aaa"), ("invalid", "")]


def test_the_decorator_tells_of_errors_and_cancellation_and_lets_them_pass(steps: Steps) -> None:
    @branch("llm")
    async def llm(seconds: float) -> None:
        await asyncio.sleep(seconds)
        raise ValueError("no answer")

    async def cancelled() -> None:
        async with asyncio.timeout(0):
            await llm(9)

    with pytest.raises(ValueError, match="no answer"):
        asyncio.run(llm(0))
    with pytest.raises(TimeoutError):
        asyncio.run(cancelled())
    assert steps.outcomes() == [("raised ValueError: no answer", None), ("cancelled", None)]


def test_the_decorator_works_on_plain_functions(steps: Steps) -> None:
    @branch("rules")
    def rules(amount: int) -> str:
        return f"approve {amount}"

    assert rules(3) == "approve 3"
    assert steps.outcomes() == [("valid", "approve 3")]


def test_a_judge_that_breaks_does_not_break_the_pipeline(steps: Steps) -> None:
    @branch("rules", valid=len)
    def rules() -> int:
        return 3

    assert rules() == 3
    ((detail, _),) = steps.outcomes()
    assert detail.startswith("raised TypeError")


def test_nothing_is_judged_or_told_when_nobody_listens() -> None:
    judged: list[str] = []

    @branch("rules", valid=judged.append)
    def rules() -> str:
        return "approve"

    assert rules() == "approve"
    assert judged == []


def test_the_decorator_keeps_name_and_signature() -> None:
    @branch("llm")
    async def llm(question: str, *, tokens: int = 3) -> str:
        """Asks."""
        return question * tokens

    assert inspect.iscoroutinefunction(llm)
    assert str(inspect.signature(llm)) == "(question: str, *, tokens: int = 3) -> str"
    assert (llm.__name__, llm.__doc__) == ("llm", "Asks.")


def test_the_decorator_refuses_generators_by_name() -> None:
    with pytest.raises(TypeError, match="branch 'llm'"):
        branch("llm")(yields)


def test_speculate_tells_every_step_and_a_decorated_branch_not_twice(steps: Steps) -> None:
    @branch("a")
    async def quick(inputs: Any) -> str:
        return "quick"

    async def slow(inputs: Any) -> None:
        await asyncio.sleep(9)

    async def acts(inputs: Any) -> str:
        stage(int, 3)
        return await quick(inputs)

    async def program() -> None:
        branches = [Branch("a", acts), Branch("b", slow), Branch("c", slow)]
        await speculate(branches, 1, Hedge(0.0, most=2), run_id="w/1", sample=0)
        await settled()

    asyncio.run(program())
    assert [step["kind"] for step in steps.told] == [
        "speculation",
        "attempt",
        "outcome",
        "attempt",
        "decision",
        "cancel",
        "outcome",
        "commit",
        "leave",
        "outcome",
        "record",
    ]
    told = {kind: [one for one in steps.told if one["kind"] == kind] for kind in steps.kinds()}
    (speculation,), (decision,), (cancel,), (commit,) = (
        told[kind] for kind in ("speculation", "decision", "cancel", "commit")
    )
    a, b = told["attempt"]
    assert speculation["detail"] == "Hedge(delay=0.0, most=2) of a, b, c"
    assert a["speculation"] is b["speculation"] is speculation["speculation"]
    assert decision["attempt"] is commit["attempt"] is a["attempt"]
    assert decision["value"] == "quick"
    assert cancel["attempt"] is b["attempt"]
    assert commit["detail"] == "int"
    assert [(one["branch"], one["detail"]) for one in told["outcome"]] == [
        ("a", "valid"),
        ("b", "cancelled"),
        ("c", "not launched"),
    ]
    assert told["record"][0]["record"]["winning_branch_index"] == 0
