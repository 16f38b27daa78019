"""Held up by a pool: who was ready to go on and could not, because of a job nobody waits for.

`with ThreadPoolExecutor() as pool` waits at its end for every job that was begun, also for those
whose results the block does without. Stock Python says nothing about it, the answer is right, and
whoever raced two services to be fast is as slow as the slower one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from spectest.exploration.results import Report
from spectest.kernel.trace import Trace, TraceEvent
from spectest.reporting.acts import BLOCKING
from spectest.reporting.cast import Cast
from spectest.reporting.deviations import program_events
from spectest.reporting.labels import Labels
from spectest.reporting.measures import duration
from spectest.reporting.places import Place, place_of

__all__ = ["HoldUp", "all_notes", "because", "from_to", "hold_ups_of", "notes_of"]

_LEAST_NS = 1_000_000
_BETWEEN = ("step", "overtaken")


@dataclass(frozen=True, slots=True)
class HoldUp:
    """Somebody had what it wanted from a pool, and then waited for the rest of the pool's jobs.

    `thread`: who. `call`: in what: "with ThreadPoolExecutor" or "ThreadPoolExecutor.shutdown()";
    `place`: at which line. `ready_ns`, `left_ns`: from when to when. `job`: what a report calls the
    job that ended last; `submitted`: where it was handed in; `stood`: where it spent the time.
    `error`: the type of the exception that was about to leave the block, or "".
    """

    thread: str
    call: str
    place: Place
    ready_ns: int
    left_ns: int
    job: str
    submitted: Place | None
    stood: Place | None
    error: str = ""


def notes_of(trace: Trace) -> tuple[str, ...]:
    """One sentence for each time somebody was held up for more than a millisecond."""
    labels = Labels(Cast(program_events(trace)).labels)
    return tuple(_note(it, labels) for it in hold_ups_of(trace))


def all_notes(report: Report) -> tuple[str, ...]:
    """The remarks of a report, and who is held up even if nothing deviates."""
    return report.notes + (notes_of(report.stock_trace) if report.stock_trace is not None else ())


def _note(it: HoldUp, labels: Labels) -> str:
    stood = f", which was at {it.stood.long}" if it.stood else ""
    return f"{from_to(it, labels)}: `{it.call}` at {it.place.long} {because(it, labels)}{stood}"


def from_to(it: HoldUp, labels: Labels) -> str:
    """Who was held up, from when to when."""
    error = f" ({it.error})" if it.error else ""
    return (
        f"{labels[it.thread]} was ready to go on at {duration(it.ready_ns)}{error} "
        f"and went on at {duration(it.left_ns)}"
    )


def because(it: HoldUp, labels: Labels) -> str:
    """For whose sake."""
    submitted = f", submitted at {it.submitted.short}" if it.submitted else ""
    at_end = "at its end " if it.call.startswith("with ") else ""
    return f"{at_end}waited for {labels[it.job]}{submitted}"


def hold_ups_of(trace: Trace) -> tuple[HoldUp, ...]:
    """All of them, in order."""
    events = program_events(trace)
    cast = Cast(events)
    blocks: dict[str, list[TraceEvent]] = {}
    found = []
    for event in events:
        if event.kind == "held":
            blocks.setdefault(event.task, []).append(event)
        elif event.task in blocks and not _same_block(event):
            found.append(_hold_up(blocks.pop(event.task), events, cast))
    found += [_hold_up(block, events, cast) for block in blocks.values()]
    return tuple(one for one in found if one is not None)


def _same_block(event: TraceEvent) -> bool:
    """Whether the thread still stands at the end of its block."""
    return event.kind in _BETWEEN or event.detail.startswith("stall")


def _hold_up(
    block: Sequence[TraceEvent], events: Sequence[TraceEvent], cast: Cast
) -> HoldUp | None:
    """`block`: the waits at the end of one block, for one worker after the other."""
    first, last = block[0], block[-1]
    over = next(
        (e for e in events[last.number :] if e.kind == "end" and e.subject == last.subject), None
    )
    place = place_of(first.where)
    if over is None or place is None or over.time_ns - first.time_ns <= _LEAST_NS:
        return None
    if not _had_answer(first, events, cast):
        return None
    of_worker = [event for event in events[: over.number] if event.task == last.subject]
    job = next((e for e in reversed(of_worker) if e.kind == "job" and e.detail == "begins"), None)
    if job is None:
        return None
    stood = [e.where for e in of_worker if e.number > job.number and e.kind in ("start", "wait")]
    call, _, error = first.detail.partition(" raising ")
    return HoldUp(
        cast.label(first.task, first.number),
        call,
        place,
        first.time_ns,
        over.time_ns,
        cast.label(last.subject, job.number),
        place_of(job.where),
        place_of(stood[-1]) if stood else None,
        error,
    )


def _had_answer(held: TraceEvent, events: Sequence[TraceEvent], cast: Cast) -> bool:
    """Whether a job of the same pool had ended while the thread or task waited for something."""
    pool, is_task = _pool_of(held.subject), held.task in cast.tasks
    waited, ended = -1, -1
    for event in events[: held.number]:
        if event.kind == "wait" and event.task == held.task and waited < 0:
            waited = event.number
        elif _ends_job(event) and _pool_of(event.task) == pool:
            ended = event.number
        elif is_task and ended >= 0 and _resumes(event, held.task):
            return True
    return 0 <= waited < ended


def _resumes(event: TraceEvent, task: str) -> bool:
    """Whether the task goes on after an `await`."""
    return event.kind == "step" and event.subject == task and event.detail != BLOCKING


def _ends_job(event: TraceEvent) -> bool:
    return event.kind == "job" and event.detail not in ("submitted", "begins")


def _pool_of(worker: str) -> str:
    """What the names of a pool's workers begin with."""
    return worker.rpartition("_")[0]
