"""What happened to one request, in the model and in the code, side by side."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterator, Sequence

import numpy as np

from simulators.results import CANCELLED, DROPPED, NOT_LAUNCHED, OUTCOMES, Requests

__all__ = ["log_of", "side_by_side"]


def log_of(requests: Requests, request: int, *, told: bool) -> list[str]:
    """A line for each event of this request, with seconds since it arrived.

    `told`: by the events that were written down; otherwise by what the columns say of it. They do
    not say when an attempt was cancelled, only when it left its server.
    """
    found = _told(requests, request) if told else _columns(requests, request)
    lines = sorted((round(at, 9), place, what) for at, place, what in found)
    return [f"{at:<12.9g} {what}" for at, _, what in lines]


def _told(requests: Requests, request: int) -> list[tuple[float, int, str]]:
    own = [event for event in requests.events if event.request == request]
    arrived = float(requests.arrival[request])
    return [
        (event.time - arrived, place, " ".join(filter(None, (event.what, event.branch))))
        for place, event in enumerate(own)
    ]


def _columns(requests: Requests, request: int) -> Iterator[tuple[float, int, str]]:
    yield 0.0, 0, "arrived"
    latency, winner = float(requests.latency[request]), int(requests.winner[request])
    for index, branch in enumerate(requests.scenario.racing):
        name, outcome = branch.name, int(requests.outcome[request, index])
        launched = float(requests.launched[request, index])
        began, work = (float(getattr(requests, c)[request, index]) for c in ("began", "work"))
        if outcome == DROPPED:
            yield latency, 4, f"had dropped {name}"
        if not np.isnan(launched):
            yield launched, 1, f"launched {name}"
        if not np.isnan(began):
            yield began, 2, f"began {name}"
            yield began + work, 3, f"left {name}, {OUTCOMES[outcome]}"
        elif outcome not in (NOT_LAUNCHED, DROPPED, CANCELLED):
            yield latency, 4, f"had {OUTCOMES[outcome]} {name}"
    if not np.isnan(latency):
        answer = f"decided {requests.scenario.racing[winner].name}" if winner >= 0 else "given up"
        yield latency, 5, answer


def side_by_side(model: Sequence[str], code: Sequence[str]) -> list[str]:
    """Two logs in two columns; lines that only one of them has begin with `!`."""
    width = max((len(line) for line in ("model", *model)), default=0)
    lines = [f"  {'model':<{width}}   code"]
    matcher = difflib.SequenceMatcher(None, model, code, autojunk=False)
    for kind, first, last, begin, end in matcher.get_opcodes():
        mark = " " if kind == "equal" else "!"
        pairs = itertools.zip_longest(model[first:last], code[begin:end], fillvalue="")
        lines += [f"{mark} {one:<{width}}   {other}".rstrip() for one, other in pairs]
    return lines
