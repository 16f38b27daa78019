"""What a step did, before it waited again, lost the processor or was over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from spectest.kernel.trace import SourceLine, TraceEvent
from spectest.reporting.absences import moment_of
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import usual_ns

__all__ = ["BLOCKING", "Act", "acts_of", "loses_processor", "reached", "waits_for"]

BLOCKING = "blocking"
"""The detail of a step with which a task goes on that has stopped its event loop."""


@dataclass(frozen=True, slots=True)
class Act:
    """Something a step did: "starts", "cancels", "creates", "returns", "raises", "is cancelled".

    Of threads also: "submits" or "takes up" a job, "waits for" something, "loses the processor".
    Of services: "meets" something, in words. `fault`: what goes wrong with the call that it starts.
    """

    verb: str
    subject: str = ""
    usual_ns: int | None = None
    fault: str = ""


def acts_of(
    effects: Sequence[TraceEvent],
    owner: str,
    cast: Cast,
    completed: Collection[int],
) -> tuple[Act, ...]:
    """What `owner`, a thread or task, did. `completed`: which "start" events led to an end."""
    acts: list[Act] = []
    started = {event.subject for event in effects if event.kind == "start"}
    faults = {event.subject: event.detail for event in effects if event.kind == "fault"}
    for event in effects:
        if loses_processor(event):
            act = Act("loses the processor", moment_of(event)) if event.task == owner else None
        elif event.kind == "start" and event.detail.startswith("timer"):
            # A deadline that was met is not worth a word, nor is the nanosecond after one.
            silent = event.number not in completed or usual_ns(event) == 1
            act = None if silent else Act("starts", event.subject, usual_ns(event))
        elif event.kind == "start":
            act = Act("starts", event.subject, usual_ns(event), faults.get(event.subject, ""))
        elif event.kind == "fault" and event.subject in started:
            act = None  # Told with the start.
        else:
            act = _act(event, cast)
        if act is not None and act not in acts[-1:]:
            acts.append(act)
    return tuple(acts)


def _act(event: TraceEvent, cast: Cast) -> Act | None:
    match event.kind:
        case "fault" | "effect" | "sometimes":
            return Act("meets", f"`{event.subject}` {event.detail}")
        case "write":
            return Act("meets", f"writes `{event.subject}`")
        case "cancel":
            return Act("cancels", event.subject)
        case "task" | "thread":
            return None if event.subject in cast.workers else Act("creates", event.subject)
        case "wait":
            return Act("waits for", event.subject)
        case "held":
            return Act("waits for", cast.label(event.subject, event.number))
        case "job" if event.detail in ("submitted", "begins"):
            return Act("submits" if event.detail == "submitted" else "takes up", event.subject)
        case "job" | "end":
            return _end(event, cast)
    return None


def _end(event: TraceEvent, cast: Cast) -> Act | None:
    verb, _, error = event.detail.partition(" ")
    if event.kind == "end" and event.subject in cast.workers:
        return None  # It has told of its jobs.
    if error == "Deadlock":
        return None  # Where it happened to be noticed.
    verbs = {"raised": "raises", "returned": "returns", "cancelled": "is cancelled"}
    return Act(verbs[verb], error)


def loses_processor(event: TraceEvent) -> bool:
    """Whether a thread that could run does not get to."""
    stalled = event.kind == "start" and event.detail.startswith("stall")
    return stalled or event.kind == "overtaken"


def reached(effects: Sequence[TraceEvent], owner: str) -> SourceLine:
    """The last line of a thread in a step with these effects, or NOWHERE."""
    own = (e for e in reversed(effects) if e.task == owner and e.where and e.kind != "step")
    # Where a job was submitted is no line of its worker.
    return next((e.where for e in own if (e.kind, e.detail) != ("job", "begins")), SourceLine())


def waits_for(events: Sequence[TraceEvent], cast: Cast) -> Mapping[int, str]:
    """By the number of a step, what it had waited for, as far as the trace has a word for it."""
    waiting: dict[str, str] = {}
    found: dict[int, str] = {}
    for event in events:
        if event.kind == "held":
            waiting[event.task] = f"the end of {cast.label(event.subject, event.number)}"
        elif event.kind == "wait":
            waiting[event.task] = event.detail
        elif event.kind == "step" and event.subject in waiting:
            found[event.number] = waiting.pop(event.subject)
    return found
