"""Traces written by hand."""

from spectest.kernel.trace import NOWHERE, Trace, TraceEvent
from spectest.oracles import Oracle, judge

__all__ = ["findings", "trace_of"]


def trace_of(*lines: str) -> Trace:
    """A trace of lines such as "10 fact balance ok = true" or "10 commit llm = insert @ main".

    Milliseconds, kind, subject; after " = " the detail, after " @ " the task. What completes is
    caused by its start.
    """
    events = []
    starts: dict[str, int] = {}
    for number, line in enumerate(lines):
        told, _, task = line.partition(" @ ")
        told, _, detail = told.partition(" = ")
        ms, kind, *subject = told.split(" ", 2)
        time_ns = round(float(ms) * 1e6)
        subject_text = subject[0] if subject else ""
        cause = starts.get(subject_text, -1) if kind == "complete" else -1
        if kind == "start":
            starts[subject_text] = number
        event = TraceEvent(number, time_ns, kind, subject_text, task, cause, NOWHERE, detail)
        events.append(event)
    return Trace(events)


def findings(trace: Trace, oracle: Oracle, reference: Trace | None = None) -> list[str]:
    return [verdict.finding for verdict in judge(trace, oracle, reference=reference)]
