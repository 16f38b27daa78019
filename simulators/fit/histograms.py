"""HdrHistogram logs: how long a branch takes, and nothing of requests.

Each branch is measured by itself, so that its rows have no other branch, and stand for as many
requests as the histogram counts.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from simulators.errors import ScenarioError
from simulators.fit.columns import sources_of
from simulators.fit.lines import per_second
from simulators.fit.observations import Gathering, Observations
from simulators.results import VALID
from spectest.errors import UsageError
from spectest.latency import Empirical

__all__ = ["hdr_log"]


def hdr_log(
    path: str | os.PathLike[str],
    *,
    unit: str | None = None,
    branches: Sequence[str] | Mapping[str, str] | None = None,
) -> Observations:
    """An interval log (.hlog) or the text of percentiles (.hgrm).

    `branches`: one name, if intervals have no tag; else a mapping of names to tags.
    """
    name = Path(path).name
    per_second(unit)
    sources = sources_of(branches)
    if not sources:
        remedy = "use branches=['llm'], or {'llm': 'TAG'} for intervals with tags"
        raise ScenarioError("branches", branches, "names no branch of the histogram", remedy)
    tags: Mapping[str, str | None] = sources
    if not isinstance(branches, Mapping):
        if len(sources) > 1:
            remedy = "use a mapping of names to tags, {'llm': 'TAG'}"
            raise ScenarioError("branches", branches, "leaves open whose a histogram is", remedy)
        tags = dict.fromkeys(sources)
    gathering = Gathering(name, "hdr", list(tags))
    for branch, tag in tags.items():
        for value, count in _counts(path, name, str(unit), tag):
            gathering.tally.read += count
            gathering.attempt(gathering.request(weight=count), branch, VALID, 0, value)
    return gathering.observations()


def _counts(
    path: str | os.PathLike[str], name: str, unit: str, tag: str | None
) -> Sequence[tuple[float, int]]:
    try:
        counts: Any = Empirical.from_hdr(path, unit=unit, tag=tag).values
    except UsageError as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        told = " ".join(str(error).split())
        raise ScenarioError(
            "the log", name, "is no HdrHistogram log that can be used", told
        ) from None
    found: Sequence[tuple[float, int]] = counts
    return found
