"""`speculate` on virtual time: who is launched when, who wins, and what becomes of the others."""

import asyncio
import json
import logging
import weakref
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

import pytest

import spectest
from spectest.patterns import (
    AllBranchesFailed,
    Branch,
    BranchTimeout,
    Cascade,
    EagerRace,
    FirstValid,
    FirstValidOf,
    FrozenInputError,
    Hedge,
    InvalidAnswer,
    Record,
    Sequential,
    Tied,
    WaitForAll,
    began,
    policies,
    settled,
    speculate,
    stage,
)

ORDER = Hedge(0.0)
"""All at once, ranked as declared."""

Call = Callable[[Any], Awaitable[Any]]


def takes(seconds: float, answer: object, log: list[str] | None = None) -> Call:
    async def call(inputs: Any) -> Any:
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if log is not None:
                log.append(f"{answer} cancelled at {1000 * asyncio.get_running_loop().time():.0f}")
            raise
        if isinstance(answer, Exception):
            raise answer
        return answer

    return call


def elapsed() -> float:
    return asyncio.get_running_loop().time()


@pytest.fixture
def records(caplog: pytest.LogCaptureFixture) -> Callable[[], list[Record]]:
    caplog.set_level(logging.INFO, "spectest.patterns")

    def read() -> list[Record]:
        entries = [entry for entry in caplog.records if hasattr(entry, "speculation_record")]
        return [Record.from_json(entry.getMessage()) for entry in entries]

    return read


def test_the_answer_says_who_gave_it_and_why() -> None:
    async def program() -> None:
        branches = [Branch("llm", takes(0.03, "block")), Branch("rules", takes(0.01, "approve"))]
        answer = await speculate(branches, {"user": "Ann"}, ORDER, run_id="w/1")
        assert (answer.value, answer.branch, answer.index) == ("block", "llm", 0)
        assert answer.run_id == "w/1"
        assert 0 <= answer.seed < 2**64
        assert elapsed() == pytest.approx(0.03)

    spectest.run(program)


def test_an_answer_is_not_delayed_by_a_slow_loser() -> None:
    log: list[str] = []

    async def program() -> None:
        branches = [Branch("a", takes(0.01, "a")), Branch("b", takes(5.0, "b", log))]
        await speculate(branches, 1, ORDER, run_id="w/1")
        assert elapsed() == pytest.approx(0.01)
        await settled()
        assert log == ["b cancelled at 10"]

    spectest.run(program)


@pytest.mark.parametrize(
    "policy, launches",
    [
        (Sequential(), [0, 10, 20]),
        (Cascade(), [0, 10, 20]),
        (Cascade(patience=0.004), [0, 4, 8]),
        (Hedge(0.004), [0, 4, 8]),
        (Hedge(0.004, most=2), [0, 4]),
        (Hedge(0.02), [0, 10, 20]),
        (EagerRace(), [0, 0, 0]),
        (Tied(0.003), [0, 3, 6]),
        (FirstValidOf(2), [0, 0, 10]),
    ],
)
def test_branches_are_launched_as_the_policy_says(
    policy: policies.Policy, launches: list[int]
) -> None:
    began_at: list[int] = []

    async def fails(inputs: Any) -> None:
        began_at.append(round(1000 * elapsed()))
        await asyncio.sleep(0.01)
        raise ValueError

    async def program() -> None:
        branches = [Branch(name, fails) for name in "abc"]
        with pytest.raises(AllBranchesFailed):
            await speculate(branches, 1, policy, run_id="w/1")

    spectest.run(program)
    assert began_at == launches


def test_an_invalid_answer_and_an_error_do_not_win() -> None:
    async def program() -> None:
        branches = [
            Branch("empty", takes(0.01, ""), valid=bool),
            Branch("broken", takes(0.01, ValueError("no"))),
            Branch("good", takes(0.03, "yes"), valid=bool),
        ]
        assert (await speculate(branches, 1, run_id="w/1")).value == "yes"

    spectest.run(program)


def test_a_branch_that_is_late_is_cancelled_and_the_next_one_launched() -> None:
    log: list[str] = []

    async def program() -> None:
        branches = [Branch("a", takes(1, "a", log), timeout=0.02), Branch("b", takes(0.01, "b"))]
        answer = await speculate(branches, 1, Sequential(), run_id="w/1")
        assert answer.value == "b"
        assert elapsed() == pytest.approx(0.03)
        assert log == ["a cancelled at 20"]

    spectest.run(program)


def test_when_all_fail_each_says_what_it_did_and_when() -> None:
    async def program() -> None:
        branches = [
            Branch("llm", takes(0.031, ValueError("secret"))),
            Branch("slow", takes(9, "late"), timeout=0.04),
            Branch("empty", takes(0.01, ""), valid=bool),
        ]
        with pytest.raises(AllBranchesFailed) as caught:
            await speculate(branches, 1, run_id="w/1")
        first, second, third = caught.value.exceptions
        assert isinstance(first, ValueError)
        assert first.__notes__ == ["branch 'llm': raised ValueError after 31.000 ms"]
        assert isinstance(second, BranchTimeout)
        assert second.seconds == 0.04
        assert isinstance(third, InvalidAnswer)
        assert "'slow' timed out after 40.000 ms" in str(caught.value)
        assert "secret" not in str(caught.value)

    spectest.run(program)


def test_each_branch_has_inputs_of_its_own_and_cannot_change_them() -> None:
    inputs = {"user": {"name": "Ann"}}

    async def meddles(given: Any) -> str:
        given["user"]["name"] = "Bob"
        return "done"

    async def reads(given: Any) -> str:
        assert given is not inputs
        return str(given["user"]["name"])

    async def program() -> None:
        with pytest.raises(AllBranchesFailed) as caught:
            await speculate([Branch("meddler", meddles)], inputs, run_id="w/1")
        assert isinstance(caught.value.exceptions[0], FrozenInputError)
        assert "meddler" in str(caught.value.exceptions[0])
        both = [Branch("broken", takes(0.0, ValueError())), Branch("second", meddles)]
        with pytest.raises(AllBranchesFailed) as caught:
            await speculate(both, inputs, ORDER, run_id="w/1")
        assert "second" in str(caught.value.exceptions[1])
        assert (await speculate([Branch("reader", reads)], inputs, run_id="w/1")).value == "Ann"

    spectest.run(program)


def test_context_variables_of_a_branch_stay_its_own() -> None:
    variable: ContextVar[str] = ContextVar("variable", default="caller's")
    seen = []

    def sets(value: str) -> Call:
        async def call(inputs: Any) -> str:
            variable.set(value)
            await asyncio.sleep(0.01)
            seen.append(variable.get())
            return value

        return call

    async def program() -> None:
        branches = [Branch("a", sets("a's")), Branch("b", sets("b's"))]
        await speculate(branches, 1, decision=WaitForAll(), run_id="w/1")
        assert variable.get() == "caller's"

    spectest.run(program)
    assert sorted(seen) == ["a's", "b's"]


def test_what_the_winner_staged_is_done_before_the_answer_and_nothing_else() -> None:
    done: list[str] = []

    async def slowly(what: str) -> None:
        await asyncio.sleep(0.01)
        done.append(what)

    def staging(name: str, seconds: float) -> Branch[Awaitable[str]]:
        async def call(inputs: Any) -> str:
            stage(slowly, f"{name} first")
            await asyncio.sleep(seconds)
            stage(done.append, f"{name} second")
            return name

        return Branch(name, call)

    async def program() -> None:
        await speculate([staging("a", 0.02), staging("b", 0.01)], 1, ORDER, run_id="w/1")
        assert done == ["a first", "a second"]
        await settled()

    spectest.run(program)
    assert done == ["a first", "a second"]


def test_what_a_loser_staged_is_dropped_at_the_decision() -> None:
    kept: weakref.WeakSet[Any] = weakref.WeakSet()

    class Row: ...

    def row() -> Row:
        made = Row()
        kept.add(made)
        return made

    async def stubborn(inputs: Any) -> None:
        stage(print, row())
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(0.1)
        stage(print, row())

    async def wins(inputs: Any) -> None:
        await asyncio.sleep(0.01)
        assert len(kept) == 1
        stage(lambda: seen.append(len(kept)))

    async def program() -> None:
        await speculate([Branch("a", wins), Branch("b", stubborn)], 1, ORDER, run_id="w/1")
        assert seen == [0]
        await settled()

    seen: list[int] = []

    spectest.run(program)


def test_of_tied_branches_the_first_that_is_served_ends_the_others() -> None:
    log: list[str] = []

    async def served(inputs: Any) -> str:
        await asyncio.sleep(0.005)
        began()
        await asyncio.sleep(0.1)
        return "served"

    async def program() -> None:
        branches = [Branch("a", served), Branch("b", takes(0.05, "b", log))]
        assert (await speculate(branches, 1, Tied(), run_id="w/1")).value == "served"
        assert log == ["b cancelled at 5"]

    spectest.run(program)


def test_a_literal_pick_divides_the_seed_by_the_number_of_valid_branches() -> None:
    async def program() -> None:
        branches = [Branch(name, takes(0.01, name)) for name in "abc"]
        decision = WaitForAll("literal")
        for run_id in ("w/1", "w/2", "w/3"):
            answer = await speculate(branches, 1, run_id=run_id, decision=decision)
            assert answer.index == answer.seed % 3

    spectest.run(program)


def test_the_record_is_written_when_the_losers_have_gone(
    records: Callable[[], list[Record]],
) -> None:
    async def slow_to_go(inputs: Any) -> None:
        try:
            await asyncio.sleep(9)
        finally:
            await asyncio.sleep(0.05)

    async def program() -> None:
        branches = [Branch("a", takes(0.01, "a")), Branch("b", slow_to_go), Branch("c", slow_to_go)]
        await speculate(branches, 1, Hedge(0.004, most=2), run_id="w/1", sample=1)
        assert records() == []
        await settled()
        (record,) = records()
        assert elapsed() == pytest.approx(0.06)
        assert record.branch_outcomes == ("valid", "cancelled", "not launched")
        assert record.branch_launched_after_ms == (0.0, 4.0, None)
        assert record.branch_latencies_ms == (10.0, 56.0, None)
        assert record.winning_branch_index == 0
        assert record.decided_after_ms == pytest.approx(10.0)
        (cancellation,) = record.cancellations
        assert (cancellation.branch_index, cancellation.gone_after_ms) == (1, 60.0)

    spectest.run(program)


def test_who_does_not_go_within_the_grace_is_named(
    records: Callable[[], list[Record]], caplog: pytest.LogCaptureFixture
) -> None:
    async def stubborn(inputs: Any) -> str:
        try:
            await asyncio.sleep(9)
        except asyncio.CancelledError:
            await asyncio.sleep(3)
        return "much too late"

    async def program() -> None:
        branches = [Branch("a", takes(0.01, "a")), Branch("b", stubborn)]
        await speculate(branches, 1, ORDER, run_id="w/1", grace=0.5, sample=1)
        await settled()
        assert elapsed() == pytest.approx(0.51)

    spectest.run(program)
    (record,) = records()
    assert record.branch_outcomes == ("valid", "running")
    assert record.cancellations[0].gone_after_ms is None
    (warning,) = [entry for entry in caplog.records if entry.levelno == logging.WARNING]
    assert "branch 'b' was asked to go and was still running 0.500 s later" in warning.getMessage()


def test_the_record_holds_no_inputs_and_no_answers(records: Callable[[], list[Record]]) -> None:
    async def program() -> None:
        branches = [
            Branch("a", takes(0.01, "private answer")),
            Branch("b", takes(0.01, OSError("x"))),
        ]
        await speculate(branches, {"q": "private question"}, run_id="w/1", sample=1)
        await settled()

    spectest.run(program)
    assert "private" not in json.dumps([record.to_json() for record in records()])


def test_on_stock_asyncio_the_record_is_written_though_nobody_waits(
    records: Callable[[], list[Record]],
) -> None:
    async def program() -> str:
        branches = [Branch("a", takes(0.0, "a")), Branch("b", takes(60, "b"))]
        return str((await speculate(branches, 1, ORDER, run_id="w/1", sample=1)).value)

    assert asyncio.run(program()) == "a"
    (record,) = records()
    assert record.branch_outcomes == ("valid", "cancelled")


async def _none(inputs: Any) -> None: ...


@pytest.mark.parametrize(
    "branches, error, words",
    [
        ([], ValueError, "no branches"),
        ([Branch("a", _none), Branch("a", _none)], ValueError, "two branches have the name 'a'"),
        ([_none], TypeError, "is no branch"),
    ],
)
def test_branches_that_make_no_sense_are_refused(
    branches: list[Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        asyncio.run(speculate(branches, 1, run_id="w/1"))


@pytest.mark.parametrize(
    "keywords",
    [
        {"grace": -1},
        {"grace": float("inf")},
        {"sample": 2},
        {"run_id": 7},
        {"run_id": ""},
        {"policy": Hedge},
        {"decision": FirstValid},
        {"limiter": 10},
    ],
)
def test_arguments_that_make_no_sense_are_refused_by_name(keywords: dict[str, Any]) -> None:
    called = []

    async def call(inputs: Any) -> None:
        called.append(inputs)

    keywords = {"run_id": "w/1"} | keywords
    with pytest.raises((TypeError, ValueError), match=next(reversed(keywords))):
        asyncio.run(speculate([Branch("a", call)], 1, **keywords))
    assert called == []


def test_inputs_that_cannot_be_hashed_are_refused_before_any_launch() -> None:
    called = []

    async def call(inputs: Any) -> None:
        called.append(inputs)

    with pytest.raises(ValueError, match=r"inputs\.x: NaN"):
        asyncio.run(speculate([Branch("a", call)], {"x": float("nan")}, run_id="w/1"))
    assert called == []


def test_a_plain_function_fails_with_the_way_out() -> None:
    plain: Any = lambda inputs: 1  # noqa: E731
    with pytest.raises(AllBranchesFailed) as caught:
        asyncio.run(speculate([Branch("a", plain)], 1, run_id="w/1"))
    assert "patterns.threads.speculate" in str(caught.value.exceptions[0])
