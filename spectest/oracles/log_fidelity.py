"""Log fidelity: what the record of a speculation says is what the trace shows.

A record is evidence for replays and for whether speculating pays, long after the execution. So
each of its fields is compared with what was told while it happened, times to the microsecond to
which they are rounded. A field that is absent says nothing, and nothing is said of it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from spectest.kernel.trace import Trace, TraceEvent
from spectest.oracles.accounts import record_in
from spectest.oracles.base import Verdict
from spectest.oracles.recorded import Difference, differences
from spectest.oracles.story import Speculation, story_of

__all__ = ["log_fidelity"]


@dataclass(frozen=True)
class log_fidelity:  # noqa: N801  # called like a function, as all oracles are
    """Each speculation has one record, which says what the trace shows, and a run ID of its own.

    Compared are the winner, names, outcomes, validities, launches, latencies, cancellations, the
    moment of the decision, dropped branches and the number of commits; times to the microsecond,
    and where threads were kept from the processor, to so much. A pipeline that writes no record at
    all, here and in stock order, is not judged.
    """

    @property
    def name(self) -> str:
        return "log_fidelity"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """Verdicts: missing and double records first, then by speculation and field."""
        story = story_of(trace)
        if not trace.of_kind("record") and not (reference and reference.of_kind("record")):
            return
        run_ids: dict[str, Speculation] = {}
        slack_s = _stalled_s(trace) if trace.of_kind("step") else _COARSE_S
        for speculation in story.speculations:
            yield from self._number_of_records(speculation)
            for event in speculation.records:
                record = record_in(event)
                if record is None:
                    yield self._verdict("the record is no JSON object", event.detail, event)
                    continue
                yield from self._run_id(run_ids, speculation, record, event)
                for difference in differences(speculation, record, event, slack_s):
                    yield self._difference(speculation, difference, event)

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        if trace.of_kind("record"):
            return ""
        return "log_fidelity saw no record: spectest.patterns.speculate tells of those it writes"

    def _number_of_records(self, speculation: Speculation) -> Iterator[Verdict]:
        count = len(speculation.records)
        if count == 0:
            yield self._verdict(
                "no record",
                f"{speculation.label} began at {_ms(speculation.told)} and has no record.\n"
                "Write it in a finally: also a caller that was cancelled has speculated.",
                speculation.told,
            )
        elif count > 1:
            yield self._verdict(
                "two records",
                f"{speculation.label} has {count} records, the last at "
                f"{_ms(speculation.records[-1])}.\nWhoever counts them counts it twice; write one.",
                speculation.records[-1],
            )

    def _run_id(
        self,
        run_ids: dict[str, Speculation],
        speculation: Speculation,
        record: dict[str, Any],
        event: TraceEvent,
    ) -> Iterator[Verdict]:
        run_id = record.get("run_id")
        if not isinstance(run_id, str):
            return
        other = run_ids.setdefault(run_id, speculation)
        if other is not speculation:
            yield self._verdict(
                "a run ID twice",
                f"{other.label} and {speculation.label} both have the run ID {run_id!r}.\n"
                "Draw one for each invocation: spectest.patterns.RunIds(directory).next().",
                event,
            )

    def _difference(
        self, speculation: Speculation, difference: Difference, event: TraceEvent
    ) -> Verdict:
        field = difference.field.partition("[")[0]
        return self._verdict(
            f"{field} is wrong",
            f"the record of {speculation.label} says {difference.field} = "
            f"{json.dumps(difference.recorded)};\nthe trace shows {difference.seen}.\n"
            "Write the record from what happened, when it has, and of each attempt its own.",
            event,
            *difference.events,
        )

    def _verdict(self, finding: str, message: str, event: TraceEvent, *more: TraceEvent) -> Verdict:
        numbers = (event.number, *(one.number for one in more))
        return Verdict(self.name, finding, message, where=event.where, events=numbers)


_COARSE_S = 0.002
"""In real time the clock goes on between what is measured and what is told of it."""


def _stalled_s(trace: Trace) -> float:
    """For how long threads were held in all, maybe between a look at the clock and a step."""
    begun = {it.number: it.time_ns for it in trace.of_kind("start") if it.detail[:5] == "stall"}
    ends = (it for it in trace.of_kind("complete") if it.cause in begun)
    return sum(it.time_ns - begun[it.cause] for it in ends) / 1e9


def _ms(event: TraceEvent) -> str:
    return f"{event.time_ns / 1e6:.3f} ms"
