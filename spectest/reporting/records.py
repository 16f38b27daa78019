"""The record for machines: a report as a dictionary that JSON can hold, in stable order."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from spectest.exploration.results import Confirmation, Failure, Margin, Report
from spectest.reporting import covered
from spectest.reporting.deviations import Deviation
from spectest.reporting.failure import Ending, Facts, facts_of
from spectest.reporting.holdups import HoldUp, all_notes
from spectest.reporting.interleaving import Row
from spectest.reporting.places import Place, place_of
from spectest.reporting.relevance import matter

__all__ = ["FORMAT", "to_json"]

FORMAT = 1
"""Number of the layout; it grows when a key changes its meaning or goes away."""

_MOST_ROWS = 200


def to_json(report: Report) -> dict[str, Any]:
    """Everything a report says. Times are integer nanoseconds; absent facts are None."""
    settings = asdict(report.settings.changed(faults=None, oracles=()))
    settings["exact"] = list(report.settings.exact)
    settings["faults"] = [repr(fault) for fault in report.settings.faults.faults]
    settings["oracles"] = [repr(oracle) for oracle in report.settings.oracles]
    settings["faults_budget"] = report.settings.faults.budget
    return {
        "format": FORMAT,
        "program": report.program,
        "executions": report.executions,
        "complete": report.complete,
        "settings": settings,
        "confidence": list(report.confidence),
        "margin": _margin(report.margin),
        "notes": list(all_notes(report)),
        "coverage": covered.record(report.coverage),
        "sometimes": dict(report.sometimes),
        "failure": None if report.failure is None else _failure(report.failure, facts_of(report)),
    }


def _failure(failure: Failure, facts: Facts) -> dict[str, Any]:
    broken = facts.breakage
    return {
        "error": broken.error,
        "message": list(broken.message),
        "where": _place(broken.place),
        "group": broken.group or None,
        "dead_threads": [_ending(it) for it in broken.dead_threads],
        "token": facts.token,
        "order_model": facts.order_model,
        "deviations": [_deviation(it) for it in facts.deviations],
        "held_up": [_held_up(it) for it in facts.held_up],
        "interleaving": _interleaving(facts),
        "fingerprint": failure.trace.fingerprint,
        "confirmation": _confirmation(facts.confirmation),
        "found_at": facts.found_at,
        "strategy": facts.strategy,
        "shrunk_in": facts.shrunk_in,
    }


def _ending(it: Ending) -> dict[str, Any]:
    return {
        "thread": it.thread,
        "error": it.error,
        "message": list(it.message),
        "where": _place(it.place),
    }


def _deviation(it: Deviation) -> dict[str, Any]:
    return {
        "name": it.name,
        "kind": it.kind,
        "task": it.task or None,
        "where": _place(it.place),
        "usual_ns": it.usual_ns,
        "took_ns": it.took_ns,
        "hold": asdict(it.hold),
        "pick": it.pick,
        "at_one_poll_after": list(it.together_with),
        "at_one_poll_before": list(it.before),
        "overtaken_by": it.overtaken_by or None,
        "moment": it.moment or None,
        "went_first": list(it.went_first),
    }


def _held_up(it: HoldUp) -> dict[str, Any]:
    places = {"where": it.place, "submitted": it.submitted, "stood": it.stood}
    return {
        "task": it.thread,
        "call": it.call,
        "ready_ns": it.ready_ns,
        "left_ns": it.left_ns,
        "job": it.job,
        "error": it.error or None,
        **{key: _place(place) for key, place in places.items()},
    }


def _interleaving(facts: Facts) -> list[dict[str, Any]]:
    """Rows, and `{"left_out": n}` where a long execution is shortened."""
    return [
        _row(line) if isinstance(line, Row) else {"left_out": line}
        for line in matter(facts.rows, facts.deviations, _MOST_ROWS)
    ]


def _row(row: Row) -> dict[str, Any]:
    return {
        "time_ns": row.time_ns,
        "task": row.task or None,
        "reason": row.reason,
        "by": row.by or None,
        "through": row.through or None,
        "acts": [asdict(act) for act in row.acts],
        "where": _place(place_of(row.where)),
        "deviates": row.deviates,
    }


def _place(place: Place | None) -> dict[str, Any] | None:
    return None if place is None else asdict(place)


def _confirmation(confirmation: Confirmation | None) -> dict[str, Any] | None:
    return None if confirmation is None else asdict(confirmation)


def _margin(margin: Margin | None) -> dict[str, Any] | None:
    if margin is None:
        return None
    failure = margin.failure
    return {
        "holds_up_to": margin.holds_up_to,
        "token": None if failure is None else failure.token,
        "error": None if failure is None else type(failure.error).__name__,
    }
