"""What a step did, before it waited again, lost the processor or was over."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from spectest.kernel.trace import SourceLine, TraceEvent
from spectest.reporting.absences import moment_of
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import usual_ns

__all__ = ["Act", "acts_of", "loses_processor", "reached", "waits_for"]


@dataclass(frozen=True, slots=True)
class Act:
    """Something a step did: "starts", "cancels", "creates", "returns", "raises", "is cancelled".

    Of threads also: "submits" or "takes up" a job, "waits for" something, "loses the processor".
    """

    verb: str
    subject: str = ""
    usual_ns: int | None = None


def acts_of(
    effects: Sequence[TraceEvent],
    owner: str,
    cast: Cast,
    completed: Collection[int],
) -> tuple[Act, ...]:
    """What `owner`, a thread or task, did. `completed`: which "start" events led to an end."""
    acts: list[Act] = []
    for event in effects:
        if loses_processor(event):
            act = Act("loses the processor", moment_of(event)) if event.task == owner else None
        elif event.kind == "start" and event.detail.startswith("timer"):
            # A deadline that was met is not worth a word.
            met = event.number not in completed
            act = None if met else Act("starts", event.subject, usual_ns(event))
        else:
            act = _act(event, cast)
        if act is not None and act not in acts[-1:]:
            acts.append(act)
    return tuple(acts)


def _act(event: TraceEvent, cast: Cast) -> Act | None:
    match event.kind:
        case "start":
            return Act("starts", event.subject, usual_ns(event))
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
        case "end" if event.detail == "cancelled":
            return Act("is cancelled")
        case "end" if event.subject in cast.workers:
            return None  # It has told of its jobs.
        case "end" | "job":
            verb, _, error = event.detail.partition(" ")
            return Act("raises" if verb == "raised" else "returns", error)
    return None


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
    """By the number of a thread's step, what it had waited for before, "" if that is not worth a
    word: a new thread's beginning, an idle worker's end."""
    waiting: dict[str, str] = {}
    found: dict[int, str] = {}
    for event in events:
        if event.kind == "held":
            waiting[event.task] = f"the end of {cast.label(event.subject, event.number)}"
        elif event.kind == "wait":
            waiting[event.task] = event.detail
        elif event.kind == "step" and event.subject in cast.threads:
            found[event.number] = waiting.pop(event.subject, "")
    return found
