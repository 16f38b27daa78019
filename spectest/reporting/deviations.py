"""What a plan changes, told from the two traces: how long, how much later, behind whom.

A hold names an operation. The failing trace says when it started, at which line and in which task,
and what else completed at that moment; the stock trace says what usually comes first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from spectest.kernel.cancellation import Cancellation
from spectest.kernel.choices import FAULT, SOMETIMES, concerns_order, fault_of
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import NO_HOLD, Hold, Plan
from spectest.kernel.trace import Trace, TraceEvent
from spectest.reporting.absences import absence_of, is_of_a_thread
from spectest.reporting.cast import Cast
from spectest.reporting.places import Place, place_of

__all__ = ["Deviation", "deviations_of", "program_events", "usual_ns"]


@dataclass(frozen=True, slots=True)
class Deviation:
    """One hold or one pick.

    `name`: of the operation, turn, step or choice point. `kind`: "sleep", "call", "job", "timer",
    "turn" (a thread let others go first), "stall" (it had to wait for the processor), "step",
    "set", "fault" (something went wrong with the call `name`; `moment` says what), "sometimes" (a
    point that the program asks for was true), "cancellation" or "choice". `task`: the task or
    thread that waits for it; for a set, the task whose place in it is another. `place`: where it
    was started, or where the thread or the cancelled task stood. `usual_ns`, `took_ns`: how long it
    takes in stock order and took here, None if it is no duration.
    `hold`: as in the plan. `pick`: the option that was chosen, 0 for a hold.
    `together_with`: completions delivered before it at the same poll; `before`: those after it.
    `overtaken_by`: the last completion before it that comes after it in stock order, or "".
    `had_run`: the tasks that ran at that instant before it.
    Of a cancellation, `together_with` or `had_run` have what had let the task go on.
    `moment`: at what point of its work a thread lost the processor, as the end of a sentence;
    `begun`: whether it had begun, if not the place is where it was started;
    `went_first`: the threads that went on meanwhile; `lost`, `back`: the numbers of the event with
    which it lost it and of the step with which it got it back, or -1.
    `event`: where it shows, the number of its completion or of that step, -1 if it does not.
    """

    name: str
    kind: Literal[
        "sleep",
        "call",
        "job",
        "timer",
        "turn",
        "stall",
        "step",
        "set",
        "fault",
        "cancellation",
        "sometimes",
        "choice",
    ]
    task: str = ""
    place: Place | None = None
    usual_ns: int | None = None
    took_ns: int | None = None
    hold: Hold = NO_HOLD
    pick: int = 0
    together_with: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    overtaken_by: str = ""
    had_run: tuple[str, ...] = ()
    moment: str = ""
    begun: bool = True
    went_first: tuple[str, ...] = ()
    lost: int = -1
    back: int = -1
    event: int = -1


def program_events(trace: Trace) -> Sequence[TraceEvent]:
    """The events of the program; what the tearing down of its world cancelled is left out.

    The end of a world is the first cancellation that nothing in the program caused.
    """
    for event in trace:
        if event.kind == "cancel" and event.cause < 0 and not event.task:
            return trace[: event.number]  # type: ignore[no-any-return]
    return list(trace)


def usual_ns(start: TraceEvent) -> int:
    """The nominal length of the operation whose "start" event this is."""
    words = start.detail.split()
    return round(float(words[1]) * 1e6) if len(words) > 1 else 0


def deviations_of(plan: Plan, trace: Trace, stock: Trace) -> tuple[Deviation, ...]:
    """All deviations of `plan`, in the order in which they take effect."""
    events = program_events(trace)
    cast = Cast(events)
    found = [_of_hold(name, hold, events, stock, cast) for name, hold in plan.holds.items()]
    found += [_of_pick(label, pick, events, cast) for label, pick in plan.picks.items()]
    return tuple(sorted(found, key=lambda d: (d.event if d.event >= 0 else len(trace), d.name)))


def _of_hold(
    name: str,
    hold: Hold,
    events: Sequence[TraceEvent],
    stock: Sequence[TraceEvent],
    cast: Cast,
) -> Deviation:
    if is_of_a_thread(name):
        return _of_thread(name, hold, events, cast)
    start = _first(events, "start", name)
    complete = _first(events, "complete", name)
    neighbours = _neighbours(complete, events)
    if start is None:
        return Deviation(name, "step", hold=hold)
    usual = usual_ns(start)
    took = usual + hold.by_ns if complete is None else complete.time_ns - start.time_ns
    kind = start.detail.split()[0] if start.detail else "sleep"
    return Deviation(
        name,
        kind,  # type: ignore[arg-type]
        task=cast.label(start.task, start.number),
        place=place_of(start.where),
        usual_ns=usual,
        took_ns=took,
        hold=hold,
        together_with=neighbours[0],
        before=neighbours[1],
        overtaken_by=_overtaker(name, complete, events, stock),
        had_run=_had_run(complete, events, cast),
        event=-1 if complete is None else complete.number,
    )


def _of_thread(name: str, hold: Hold, events: Sequence[TraceEvent], cast: Cast) -> Deviation:
    kind: Literal["turn", "stall"] = "stall" if hold.by_ns else "turn"
    absence = absence_of(name, events, cast)
    if absence is None:
        return Deviation(name, kind, hold=hold)
    complete = _first(events, "complete", name)
    neighbours = _neighbours(complete, events)
    return Deviation(
        name,
        kind,
        task=absence.thread,
        place=absence.place,
        usual_ns=None if absence.stalled_ns is None else 0,
        took_ns=absence.stalled_ns,
        hold=hold,
        together_with=neighbours[0],
        before=neighbours[1],
        moment=absence.moment,
        begun=absence.begun,
        went_first=absence.went_first,
        lost=absence.lost,
        back=absence.back,
        event=absence.back if complete is None else complete.number,
    )


def _of_outside(label: str, events: Sequence[TraceEvent], cast: Cast) -> Deviation:
    """Of a fault, or of a point that the program asks for."""
    kind: Literal["fault", "sometimes"] = "fault" if label.startswith(FAULT) else "sometimes"
    name, moment = fault_of(label) if kind == "fault" else (label.removeprefix(SOMETIMES), "")
    event = _first(events, kind, name)
    if event is None:
        return Deviation(name, kind, moment=moment, pick=1)
    task, place = cast.label(event.task, event.number), place_of(event.where)
    return Deviation(name, kind, task, place, moment=moment, pick=1, event=event.number)


def _of_pick(label: str, pick: int, events: Sequence[TraceEvent], cast: Cast) -> Deviation:
    choice = _first(events, "choice", label)
    cancellation = Cancellation.of(label)
    if cancellation is not None:
        return _of_cancellation(label, cancellation, choice, events)
    if not concerns_order(label):
        return _of_outside(label, events, cast)
    number = label.removeprefix(f"{SET_ORDER}task ")
    task = next((e.subject for e in events if e.kind == "task" and e.detail == number), "")
    ended = _first(events, "end", task) if task else None
    shows = choice if ended is None else ended
    return Deviation(
        label,
        "set" if label.startswith(SET_ORDER) else "choice",
        task=task,
        place=None if choice is None else place_of(choice.where),
        pick=pick,
        event=-1 if shows is None else shows.number,
    )


def _of_cancellation(
    label: str, it: Cancellation, choice: TraceEvent | None, events: Sequence[TraceEvent]
) -> Deviation:
    cause = events[choice.cause] if choice is not None and choice.cause >= 0 else None
    return Deviation(
        label,
        "cancellation",
        task=it.task,
        place=None if choice is None else place_of(choice.where),
        pick=1,
        together_with=_subject(cause, "complete"),
        had_run=_subject(cause, "step"),
        event=-1 if choice is None else choice.number,
    )


def _subject(event: TraceEvent | None, kind: str) -> tuple[str, ...]:
    return (event.subject,) if event is not None and event.kind == kind else ()


def _first(events: Sequence[TraceEvent], kind: str, subject: str) -> TraceEvent | None:
    return next((e for e in events if e.kind == kind and e.subject == subject), None)


def _neighbours(
    complete: TraceEvent | None, events: Sequence[TraceEvent]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What was delivered at the same poll, and went on before it and after it.

    Completions at one poll are recorded one right after the other. Of two threads, the one whose
    sleep was delivered first may still go on last.
    """
    if complete is None:
        return (), ()
    poll = [*_run(complete, events, -1)[::-1], complete, *_run(complete, events, 1)]
    steps = {event.cause: event.number for event in reversed(events) if event.kind == "step"}
    if all(event.number in steps for event in poll):
        poll.sort(key=lambda event: steps[event.number])
    place = poll.index(complete)
    names = tuple(event.subject for event in poll)
    return names[:place], names[place + 1 :]


def _run(
    complete: TraceEvent, events: Sequence[TraceEvent], step: Literal[-1, 1]
) -> list[TraceEvent]:
    found: list[TraceEvent] = []
    place = complete.number + step
    while 0 <= place < len(events):
        event = events[place]
        if event.kind != "complete" or event.time_ns != complete.time_ns:
            break
        found.append(event)
        place += step
    return found


def _overtaker(
    name: str,
    complete: TraceEvent | None,
    events: Sequence[TraceEvent],
    stock: Sequence[TraceEvent],
) -> str:
    if complete is None:
        return ""
    usually = [event.subject for event in stock if event.kind == "complete"]
    if name not in usually:
        return ""
    before = set(usually[: usually.index(name)])
    for event in reversed(events[: complete.number]):
        if event.kind != "complete" or is_of_a_thread(event.subject):
            continue
        if event.subject not in before:
            return event.subject
    return ""


def _had_run(
    complete: TraceEvent | None, events: Sequence[TraceEvent], cast: Cast
) -> tuple[str, ...]:
    if complete is None:
        return ()
    earlier = (e for e in events[: complete.number] if e.time_ns == complete.time_ns)
    return tuple(dict.fromkeys(cast.label_of_step(e) for e in earlier if e.kind == "step"))
