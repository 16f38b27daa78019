import asyncio

import pytest

import spectest
from spectest import UsageError, watch
from spectest.oracles import determinism, judge
from tests.unit.oracles.trace_lines import findings, trace_of

STOCK = trace_of("10 complete a#1", "20 complete b#1", "20 note price = 5", "20 result = 'A'")


def test_the_same_result_and_notes_are_fine() -> None:
    trace = trace_of("10 complete b#1", "20 complete a#1", "20 note price = 5", "20 result = 'A'")
    assert findings(trace, determinism(), STOCK) == []


def test_another_result_is_told_with_the_first_other_completion() -> None:
    trace = trace_of("31 complete b#1", "32 complete a#1", "32 note price = 5", "32 result = 'B'")
    (verdict,) = judge(trace, determinism(), reference=STOCK)
    assert verdict.finding == "another result"
    assert "the program returned 'B';\nin stock order 'A'" in verdict.message
    assert "here b#1 completed at 31.000 ms, there a#1 at 10.000 ms" in verdict.message


def test_another_note_or_another_number_of_them_is_told() -> None:
    for notes in (["20 note price = 6"], ["20 note price = 5"] * 2, []):
        trace = trace_of(*notes, "20 result = 'A'")
        assert findings(trace, determinism(), STOCK) == ["another 'price'"]


def test_only_what_is_asked_for_is_compared() -> None:
    trace = trace_of("20 note price = 6", "20 result = 'B'")
    assert findings(trace, determinism(of=("result",)), STOCK) == ["another result"]
    assert findings(trace, determinism(of=("price",)), STOCK) == ["another 'price'"]
    assert findings(trace, determinism(of=("cost",)), STOCK) == []


def test_an_execution_that_a_fault_hit_is_not_compared() -> None:
    trace = trace_of("5 fault llm#1 = times out", "20 result = 'B'")
    assert findings(trace, determinism(), STOCK) == []
    trace = trace_of("5 sometimes cache miss = is true", "20 result = 'B'")
    assert findings(trace, determinism(), STOCK) == []


def test_one_that_was_cancelled_from_outside_is_not_compared() -> None:
    assert findings(trace_of("5 end main = cancelled"), determinism(), STOCK) == []


def test_without_a_reference_nothing_is_said() -> None:
    assert findings(STOCK, determinism()) == []


def test_nothing_to_compare_is_told() -> None:
    assert "nothing to compare" in determinism().blind(trace_of("0 result = None"))
    assert "'cost'" in determinism(of=("cost",)).blind(STOCK)
    assert determinism().blind(STOCK) == ""


@pytest.mark.parametrize("of", ["result", ("result", ""), ["result"]])
def test_a_selection_must_be_names(of: tuple[str, ...]) -> None:
    with pytest.raises(UsageError, match="of="):
        determinism(of=of)


def test_the_order_of_keys_is_no_difference_and_that_of_a_list_is() -> None:
    async def in_order_of_completion() -> dict[str, int]:
        answers: dict[str, int] = {}

        async def ask(name: str) -> None:
            await asyncio.sleep(0.010)
            answers[name] = len(name)

        await asyncio.gather(ask("a"), ask("b"))
        watch.note("first", next(iter(answers)))
        return answers

    def search(*of: str) -> spectest.Report:
        oracle = determinism(of=of)
        return spectest.explore(in_order_of_completion, runs=50, oracles=oracle)

    assert search("result").failure is None
    failure = search("first").failure
    assert failure is not None
    assert "another 'first'" in {it.finding for it in failure.error.verdicts}  # type: ignore[attr-defined]
