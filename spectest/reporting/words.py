"""The sentences of a report: deviations, order models, confirmations."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.exploration.results import Confirmation
from spectest.kernel.cancellation import Cancellation
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import OrderModel
from spectest.reporting.deviations import Deviation
from spectest.reporting.labels import Labels
from spectest.reporting.measures import count, difference, duration, ordinal

__all__ = ["confirmation", "deviation", "order_model"]

_ORDER_MODELS: dict[OrderModel, str] = {
    "strict": "possible on CPython, at these durations (`strict`)",
    "ties": "possible on CPython, with other latencies or another memory layout (`ties`)",
    "any": "not an order that asyncio produces: another loop, a refactoring, threads (`any`)",
}
_PREEMPTED = "possible on CPython, when threads are preempted there{} (`ties`)"
_OF_THREADS = ("turn", "stall")
_MOST_NAMED = 3
_FINE_NS = 1_000
_ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
)


def order_model(model: OrderModel, deviations: Sequence[Deviation]) -> str:
    """Who can produce the failure, by the weakest order model that shows it."""
    kinds = {it.kind in _OF_THREADS for it in deviations}
    if model != "ties" or True not in kinds:
        return _ORDER_MODELS[model]
    return _PREEMPTED.format(", with other latencies" if False in kinds else "")


def deviation(it: Deviation, labels: Labels) -> tuple[str, ...]:
    """One sentence in clauses, without its full stop."""
    if it.kind == "set":
        return (_set(it, labels),)
    if it.kind == "fault":
        return (f"`{it.name}` {it.moment}",)
    cancellation = Cancellation.of(it.name)
    if cancellation is not None:
        return _cancellation(cancellation, it, labels)
    if it.kind == "sometimes":
        name, _, number = it.name.rpartition("#")
        return (f"`{name}` was true, when it was asked for the {ordinal(int(number))} time",)
    if it.kind == "choice":
        return (f"`{it.name}` is option {it.pick} instead of 0",)
    if it.kind == "step":
        return (f"`{it.name}` is held back behind {count(it.hold.behind, 'later step')}",)
    if it.kind in _OF_THREADS:
        return _absence(it, labels)
    order = _order(it, labels)
    return (_length(it), order) if order else (_length(it),)


def _length(it: Deviation) -> str:
    if it.took_ns is None or it.usual_ns is None or it.took_ns == it.usual_ns:
        verb = "fell due" if it.kind == "timer" else "completed"
        return f"`{it.name}` {verb} on time"
    more = difference(it.took_ns, it.usual_ns)
    return f"`{it.name}` took {duration(it.took_ns)} instead of {duration(it.usual_ns)} ({more})"


def _order(it: Deviation, labels: Labels) -> str:
    if it.hold.polls:
        late = "one poll" if it.hold.polls == 1 else f"{it.hold.polls} polls"
        if it.had_run:
            names = " and ".join(labels[task] for task in it.had_run[-2:])
            return f"and arrived {late} later, when {names} had already run"
        return f"and arrived {late} " + (
            f"after `{it.overtaken_by}`" if it.overtaken_by else "later"
        )
    if it.together_with and (it.hold.behind or it.overtaken_by in it.together_with):
        return _after(it)
    if it.overtaken_by:
        return f"after `{it.overtaken_by}`, which it usually precedes"
    return _before(it) if it.before else ""


def _after(it: Deviation) -> str:
    others = len(it.together_with) - 1
    more = f" and {count(others, 'other')}" if others else ""
    after = "them" if others else "it"
    return f"in the same instant as `{it.together_with[-1]}`{more}, after {after}"


def _before(it: Deviation) -> str:
    return f"in the same instant as `{it.before[0]}`, before it"


def _absence(it: Deviation, labels: Labels) -> tuple[str, ...]:
    """A thread that could have run: where it lost the processor, for how long, to whom."""
    if it.lost < 0:
        return (f"`{it.name}` has no effect",)
    who = f"`{labels[it.task]}`"
    moment = f" {labels.within(it.moment)}" if it.moment else ""
    others = _all_of([labels[name] for name in it.went_first])
    if it.took_ns is None:
        lost = f"{who} lost the processor{moment}"
        return (lost, f"and {others} went first") if others else (lost,)
    length = duration(it.took_ns) if it.took_ns >= _FINE_NS else f"{it.took_ns} ns"
    waited = f"{who} had to wait {length} for the processor{moment}"
    if it.together_with or it.before:
        return waited, f"and got it {_after(it) if it.together_with else _before(it)}"
    return (waited, f"while {others} went on") if others else (waited,)


def _all_of(names: Sequence[str]) -> str:
    if len(names) > _MOST_NAMED:
        return f"{len(names)} other threads"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _cancellation(one: Cancellation, it: Deviation, labels: Labels) -> tuple[str, str]:
    """Who was cancelled, and at what moment of which await."""
    task = f"`{labels[one.task]}`"
    ordinal = f"its {_ordinal(one.number)} await"
    if one.way == "task":
        what, where = f"{task} was cancelled at {ordinal}", "it"
    else:
        by = "timed out" if one.way == "timeout" else "was cancelled by its caller"
        what, where = f"the program {by} with {task} at {ordinal}", task
    if one.moment == "before":
        return what, f"as soon as {where} waited there"
    return what, f"when {_come(it, labels)} and before {where} went on"


def _come(it: Deviation, labels: Labels) -> str:
    """What had let the cancelled task go on."""
    for name in it.together_with:
        return f"`{name}` had completed"
    for task in it.had_run:
        return f"`{labels[task]}` had woken it"
    return "it could go on"


def _ordinal(number: int) -> str:
    if number <= len(_ORDINALS):
        return _ORDINALS[number - 1]
    ending = "th" if number // 10 % 10 == 1 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _set(it: Deviation, labels: Labels) -> str:
    if it.name.startswith(f"{SET_ORDER}coroutines"):
        return f"a set has no order: asyncio.as_completed began its own at number {it.pick + 1}"
    task = labels[it.task] or it.name.removeprefix(SET_ORDER)
    return f"a set of tasks has no order: `{task}` came after the others in it"


def confirmation(it: Confirmation | None) -> str:
    """Whether stock asyncio, or stock threads, show it too."""
    if it is None:
        return "not tried in real time"
    tries = count(it.tries, "try") if it.tries == 1 else f"{it.tries} tries"
    verdict = "confirmed" if it.confirmed else "not confirmed"
    return f"{verdict} in real time, {tries}" + (f": {it.reason}" if it.reason else "")
