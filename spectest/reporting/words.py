"""The sentences of a report: durations, deviations, rows, order models."""

from __future__ import annotations

from collections.abc import Sequence

from spectest.exploration.results import Confirmation
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import OrderModel
from spectest.reporting.deviations import Deviation
from spectest.reporting.interleaving import Act, Row

__all__ = ["ORDER_MODELS", "confirmation", "deviation", "duration", "milliseconds", "row", "short"]

ORDER_MODELS: dict[OrderModel, str] = {
    "strict": "possible on CPython, at these durations (`strict`)",
    "ties": "possible on CPython, with other latencies or another memory layout (`ties`)",
    "any": "not an order that asyncio produces: another loop, a refactoring, threads (`any`)",
}
"""Who can produce the failure, by the weakest order model that shows it."""

_SECONDS_FROM_NS = 10_000_000_000
_FINE_NS = 1_000
_MOST_NAMES = 24


def milliseconds(ns: int, digits: int = 6) -> str:
    """The number, without zeros that say nothing."""
    text = f"{ns / 1e6:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def duration(ns: int, digits: int = 6) -> str:
    """With its unit."""
    if abs(ns) >= _SECONDS_FROM_NS:
        return f"{ns / 1e9:.{digits}f}".rstrip("0").rstrip(".") + " s"
    return f"{milliseconds(ns, digits)} ms"


def _difference(took_ns: int, usual_ns: int) -> str:
    more = took_ns - usual_ns
    if abs(more) < _FINE_NS:
        return f"{more:+d} ns"
    if usual_ns == 0 or abs(more) < usual_ns / 2_000:
        return f"{'+' if more > 0 else ''}{duration(more)}"
    return f"{100 * more / usual_ns:+.1f}".removesuffix(".0") + " %"


def deviation(it: Deviation, labels: dict[str, str]) -> tuple[str, ...]:
    """One sentence in clauses, without its full stop; `labels` are the short labels of tasks."""
    if it.kind == "set":
        return (_set(it, labels),)
    if it.kind == "choice":
        return (f"`{it.name}` is option {it.pick} instead of 0",)
    if it.kind == "step":
        return (f"`{it.name}` is held back behind {_count(it.hold.behind, 'later step')}",)
    order = _order(it, labels)
    return (_length(it), order) if order else (_length(it),)


def _length(it: Deviation) -> str:
    if it.took_ns is None or it.usual_ns is None or it.took_ns == it.usual_ns:
        verb = "fell due" if it.kind == "timer" else "completed"
        return f"`{it.name}` {verb} on time"
    more = _difference(it.took_ns, it.usual_ns)
    return f"`{it.name}` took {duration(it.took_ns)} instead of {duration(it.usual_ns)} ({more})"


def _order(it: Deviation, labels: dict[str, str]) -> str:
    if it.hold.polls:
        late = "one poll" if it.hold.polls == 1 else f"{it.hold.polls} polls"
        if it.had_run:
            names = " and ".join(labels.get(task, task) for task in it.had_run[-2:])
            return f"and arrived {late} later, when {names} had already run"
        return f"and arrived {late} " + (
            f"after `{it.overtaken_by}`" if it.overtaken_by else "later"
        )
    if it.together_with and (it.hold.behind or it.overtaken_by in it.together_with):
        others = len(it.together_with) - 1
        more = f" and {_count(others, 'other')}" if others else ""
        after = "them" if others else "it"
        return f"in the same instant as `{it.together_with[-1]}`{more}, after {after}"
    if it.overtaken_by:
        return f"after `{it.overtaken_by}`, which it usually precedes"
    if it.before:
        return f"in the same instant as `{it.before[0]}`, before it"
    return ""


def _set(it: Deviation, labels: dict[str, str]) -> str:
    if it.name.startswith(f"{SET_ORDER}coroutines"):
        return f"a set has no order: asyncio.as_completed began its own at number {it.pick + 1}"
    task = labels.get(it.task, it.task) or it.name.removeprefix(SET_ORDER)
    return f"a set of tasks has no order: `{task}` came after the others in it"


def row(it: Row, labels: dict[str, str]) -> str:
    """What happened in one row."""
    by = f"`{it.by}`" if it.by and it.by not in labels else labels.get(it.by, it.by)
    reason = {
        "begins": "begins",
        "operation": f"{by} completes",
        "timer": f"{by} falls due",
        "woken": f"woken by {by}",
        "cancelled": f"cancelled by {by}",
        "itself": "goes on",
    }[it.reason]
    acts = _acts(it.acts, labels)
    return f"{reason}: {', '.join(acts)}" if acts else reason


def _acts(acts: Sequence[Act], labels: dict[str, str]) -> list[str]:
    """What matters most comes first: the end of a long line is cut."""
    subjects = {
        verb: [labels.get(act.subject, act.subject) for act in acts if act.verb == verb]
        for verb in ("raises", "cancels", "creates", "returns", "is cancelled")
    }
    starts = [
        f"starts `{act.subject}` ({duration(act.usual_ns or 0, 3)})"
        for act in acts
        if act.verb == "starts"
    ]
    texts = [f"raises {error}" for error in subjects["raises"]]
    texts += [
        f"{verb} {_names(subjects[verb])}" for verb in ("cancels", "creates") if subjects[verb]
    ]
    return [*texts, *starts, *(verb for verb in ("returns", "is cancelled") if subjects[verb])]


def _names(labels: Sequence[str]) -> str:
    names = ", ".join(labels)
    if len(names) <= _MOST_NAMES:
        return names
    return "a task" if len(labels) == 1 else f"{len(labels)} tasks"


def short(tasks: Sequence[str]) -> dict[str, str]:
    """Labels without the number of the task, where that is still one task."""
    bare = {label: label.partition(" (Task-")[0] for label in tasks}
    counts: dict[str, int] = {}
    for name in bare.values():
        counts[name] = counts.get(name, 0) + 1
    return {label: name if counts[name] == 1 else label for label, name in bare.items()}


def confirmation(it: Confirmation | None) -> str:
    """Whether stock asyncio shows it too."""
    if it is None:
        return "not tried in real time"
    tries = _count(it.tries, "try" if it.tries == 1 else "trie")
    verdict = "confirmed" if it.confirmed else "not confirmed"
    return f"{verdict} in real time, {tries}" + (f": {it.reason}" if it.reason else "")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
