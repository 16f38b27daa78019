"""The checker agrees with the definition, tried on all orders of small histories."""

from dataclasses import dataclass
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from spectest.kernel.trace import NOWHERE, Trace, TraceEvent
from spectest.kernel.values import shown
from spectest.oracles import judge, linearizable

METHODS = ("put", "get", "size")


class Queue:
    def __init__(self) -> None:
        self.items: list[int] = []

    def put(self, item: int) -> None:
        self.items.append(item)

    def get(self) -> int:
        return self.items.pop(0)

    def size(self) -> int:
        return len(self.items)


@dataclass(frozen=True)
class Operation:
    """`answer`: "" if it is still open at the end."""

    method: str
    begins: int
    ends: int
    answer: str

    @property
    def call(self) -> str:
        return "put(1)" if self.method == "put" else f"{self.method}()"


@st.composite
def histories(draw: st.DrawFn) -> list[Operation]:
    """Up to five calls at any instants, most with answers that a queue could give."""
    count = draw(st.integers(1, 5))
    instants = draw(st.permutations(range(2 * count)))
    answers = {
        "put": st.sampled_from(["returned None", ""]),
        "get": st.sampled_from(["returned 1", "raised IndexError", ""]),
        "size": st.sampled_from(["returned 0", "returned 1", "returned 2", ""]),
    }
    found = []
    for number in range(count):
        begins, ends = sorted(instants[2 * number : 2 * number + 2])
        method = draw(st.sampled_from(METHODS))
        found.append(Operation(method, begins, ends, draw(answers[method])))
    return found


def trace_of(history: list[Operation]) -> Trace:
    told = []
    for number, it in enumerate(history):
        told.append((it.begins, "invoke", f"q#{number}", it.call))
        if it.answer:
            told.append((it.ends, "respond", f"q#{number}", it.answer))
    events = [
        TraceEvent(number, at, kind, subject, "", -1, NOWHERE, detail)
        for number, (at, kind, subject, detail) in enumerate(sorted(told))
    ]
    return Trace(events)


def explained(history: list[Operation]) -> bool:
    """Herlihy and Wing's definition: some order of all answered calls and of some open ones."""
    closed = [it for it in history if it.answer]
    still_open = [it for it in history if not it.answer]
    for chosen in range(2 ** len(still_open)):
        some = [it for place, it in enumerate(still_open) if chosen >> place & 1]
        if any(sequential(order) and in_time(order) for order in permutations(closed + some)):
            return True
    return False


def in_time(order: tuple[Operation, ...]) -> bool:
    """No call comes before one that was over when it began."""
    return not any(
        later.answer and later.ends < earlier.begins
        for place, earlier in enumerate(order)
        for later in order[place + 1 :]
    )


def sequential(order: tuple[Operation, ...]) -> bool:
    """Whether a queue answers like this; an open call has no answer that could be wrong."""
    model = Queue()
    answers = [answer_of(model, it) for it in order]
    return all(it.answer in ("", answer) for it, answer in zip(order, answers, strict=True))


def answer_of(model: Queue, it: Operation) -> str:
    try:
        arguments = (1,) if it.method == "put" else ()
        return f"returned {shown(getattr(model, it.method)(*arguments))}"
    except IndexError as error:
        return f"raised {type(error).__name__}"


@settings(deadline=None)
@given(histories())
def test_the_checker_agrees_with_all_orders(history: list[Operation]) -> None:
    verdicts = judge(trace_of(history), linearizable(Queue, of="q"))
    assert (not verdicts) is explained(history)


@settings(deadline=None)
@given(histories())
def test_what_is_shown_is_the_shortest_prefix_that_no_order_explains(
    history: list[Operation],
) -> None:
    for verdict in judge(trace_of(history), linearizable(Queue, of="q")):
        end = verdict.events[-1]
        events = list(trace_of(history))
        assert judge(Trace(events[: end + 1]), linearizable(Queue, of="q"))
        assert not judge(Trace(events[:end]), linearizable(Queue, of="q"))
