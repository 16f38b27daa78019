import pytest

from spectest import UsageError
from spectest.oracles import judge, linearizable
from tests.unit.oracles.trace_lines import findings, trace_of


class Counter:
    def __init__(self) -> None:
        self.value = 0

    def increment(self, by: int = 1) -> int:
        self.value += by
        return self.value


class Register:
    def __init__(self) -> None:
        self.value: object = None

    def write(self, value: object) -> None:
        self.value = value

    def read(self) -> object:
        return self.value


class Queue:
    def __init__(self) -> None:
        self.items: list[object] = []

    def put(self, item: object) -> None:
        self.items.append(item)

    def get(self) -> object:
        return self.items.pop(0)


def counter(*lines: str) -> list[str]:
    return findings(trace_of(*lines), linearizable(Counter, of="c"))


def queue(*lines: str) -> list[str]:
    return findings(trace_of(*lines), linearizable(Queue, of="q"))


def test_a_sequential_history_must_be_the_models() -> None:
    history = ["0 invoke c#1 = increment()", "1 respond c#1 = returned 1"]
    assert counter(*history) == []
    assert counter(*history[:1], "1 respond c#1 = returned 2") == ["no order explains it"]


def test_a_lost_update_is_found_and_told() -> None:
    trace = trace_of(
        "0 invoke c#1 = increment() @ a",
        "0 invoke c#2 = increment() @ b",
        "10 respond c#1 = returned 1 @ a",
        "10.5 respond c#2 = returned 1 @ b",
        "20 invoke c#3 = increment() @ a",
        "21 respond c#3 = returned 9 @ a",
    )
    (verdict,) = judge(trace, linearizable(Counter, of="c"))
    assert verdict.message.splitlines() == [
        "no order of the calls of c explains that increment() returned 1:",
        "  0.000 to 10.000 ms  increment() returned 1  in a",
        "  0.000 to 10.500 ms  increment() returned 1  in b",
        "in every order of these, the model would have returned 2.",
        "Let each call read and write in one step, or hold a lock from first to last.",
    ]
    assert verdict.events == (0, 1, 2, 3)


def test_calls_that_overlap_may_take_effect_in_any_order() -> None:
    begun = ("0 invoke q#1 = put('a')", "0 invoke q#2 = put('b')")
    put = (*begun, "5 respond q#1 = returned None", "6 respond q#2 = returned None")
    for first, second in ("ab", "ba"):
        got = (
            "7 invoke q#3 = get()",
            f"8 respond q#3 = returned '{first}'",
            "9 invoke q#4 = get()",
            f"9 respond q#4 = returned '{second}'",
        )
        assert queue(*put, *got) == []
    same = "9 respond q#4 = returned 'a'"
    assert queue(*put, *got[:1], "8 respond q#3 = returned 'a'", got[2], same) != []


def test_calls_one_after_the_other_may_not() -> None:
    history = (
        "0 invoke q#1 = put('a')",
        "1 respond q#1 = returned None",
        "2 invoke q#2 = put('b')",
        "3 respond q#2 = returned None",
        "4 invoke q#3 = get()",
    )
    assert queue(*history, "5 respond q#3 = returned 'a'") == []
    assert queue(*history, "5 respond q#3 = returned 'b'") == ["no order explains it"]


def test_a_stale_read_is_found() -> None:
    history = (
        "0 invoke r#1 = write(1)",
        "9 respond r#1 = returned None",
        "10 invoke r#2 = read()",
    )
    oracle = linearizable(Register, of="r")
    assert findings(trace_of(*history, "11 respond r#2 = returned 1"), oracle) == []
    assert findings(trace_of(*history, "11 respond r#2 = returned None"), oracle) != []


def test_a_call_without_an_answer_may_have_happened_or_not() -> None:
    open_call = "0 invoke r#1 = write(1)"
    oracle = linearizable(Register, of="r")
    for ending in ((), ("1 respond r#1 = cancelled",)):
        for seen in ("1", "None"):
            read = ("5 invoke r#2 = read()", f"6 respond r#2 = returned {seen}")
            assert findings(trace_of(open_call, *ending, *read), oracle) == []
    back = ("7 invoke r#3 = read()", "8 respond r#3 = returned None")
    read = ("5 invoke r#2 = read()", "6 respond r#2 = returned 1")
    assert findings(trace_of(open_call, *read, *back), oracle) != []


def test_an_exception_is_an_answer() -> None:
    assert queue("0 invoke q#1 = get()", "1 respond q#1 = raised IndexError") == []
    put = ("0 invoke q#1 = put(1)", "1 respond q#1 = returned None", "2 invoke q#2 = get()")
    assert queue(*put, "3 respond q#2 = raised IndexError") == ["no order explains it"]


def test_what_is_waited_for_is_explained_by_a_later_call() -> None:
    history = ("0 invoke q#1 = get()", "5 invoke q#2 = put('a')", "6 respond q#2 = returned None")
    assert queue(*history, "7 respond q#1 = returned 'a'") == []


def test_arguments_are_handed_to_the_model_and_are_its_own() -> None:
    history = (
        "0 invoke q#1 = put([1, {'a': (2,)}])",
        "1 respond q#1 = returned None",
        "2 invoke q#2 = get()",
        "3 respond q#2 = returned [1, {'a': (2)}]",
    )
    assert queue(*history) == []
    assert counter("0 invoke c#1 = increment(by=5)", "1 respond c#1 = returned 5") == []


def test_objects_of_one_name_are_judged_each_by_itself() -> None:
    first = ("0 invoke c#1 = increment()", "1 respond c#1 = returned 1")
    second = ("2 invoke c (2)#1 = increment()", "3 respond c (2)#1 = returned 1")
    assert counter(*first, *second) == []
    assert counter(*first, "2 invoke other#1 = increment()", "3 respond other#1 = returned 9") == []


def test_long_histories_show_their_end() -> None:
    lines = []
    for number in range(1, 21):
        lines.append(f"{number} invoke c#{number} = increment()")
        lines.append(f"{number}.5 respond c#{number} = returned {min(number, 19)}")
    (verdict,) = judge(trace_of(*lines), linearizable(Counter, of="c"))
    assert "  (8 calls before)" in verdict.message
    assert verdict.message.count("increment() returned") == 13


def test_a_history_too_long_to_decide_is_never_passed() -> None:
    class Opaque(Counter):
        def __init__(self) -> None:
            super().__init__()
            self.seen = iter(())  # Not comparable, so nothing is recognised.

    lines = [f"0 invoke c#{number} = increment()" for number in range(8)]
    lines += [f"1 respond c#{number} = returned {8 - number}" for number in range(8)]
    assert counter(*lines) == []
    with pytest.raises(UsageError, match="too long to decide within 2,000"):
        findings(trace_of(*lines), linearizable(Opaque, of="c", limit=2_000))


def test_states_that_look_alike_are_kept_apart() -> None:
    class Box:
        def __init__(self) -> None:
            self.kept = [Counter()]

        def add(self, by: int) -> None:
            self.kept[0].increment(by)

        def read(self) -> int:
            return self.kept[0].value

    lines = ("0 invoke b#1 = add(1)", "0 invoke b#2 = add(2)", "1 invoke b#3 = read()")
    for seen, fine in (("1", True), ("2", True), ("3", True), ("0", True), ("4", False)):
        trace = trace_of(*lines, f"2 respond b#3 = returned {seen}")
        assert (findings(trace, linearizable(Box, of="b")) == []) is fine


def test_a_subclass_of_a_list_has_more_state_than_its_attributes() -> None:
    class Items(list[object]):
        def put(self, item: object) -> None:
            self.append(item)

        def get(self) -> object:
            return self.pop(0)

    begun = ("0 invoke q#1 = put('a')", "0 invoke q#2 = put('b')", "1 invoke q#3 = get()")
    trace = trace_of(*begun, "2 respond q#3 = returned 'b'")
    assert findings(trace, linearizable(Items, of="q")) == []


def test_a_model_that_cannot_be_asked_is_refused() -> None:
    history = trace_of("0 invoke c#1 = decrement()", "1 respond c#1 = returned 1")
    with pytest.raises(UsageError, match="no method 'decrement'"):
        findings(history, linearizable(Counter, of="c"))

    class Asynchronous:
        async def decrement(self) -> int:
            return 1

    with pytest.raises(UsageError, match="plain functions"):
        findings(history, linearizable(Asynchronous, of="c"))
    with pytest.raises(UsageError, match="model="):
        linearizable(Counter(), of="c")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="of="):
        linearizable(Counter, of="")


def test_a_trace_without_calls_is_told() -> None:
    oracle = linearizable(Counter, of="c")
    assert "watch.calls(it, name='c'" in oracle.blind(trace_of("0 invoke d#1 = increment()"))
    assert oracle.blind(trace_of("0 invoke c#1 = increment()")) == ""
