"""A log of any form that is known here, by the ending of its name and by what stands in it."""

from __future__ import annotations

import inspect
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.fit.columns import columns_of
from simulators.fit.histograms import hdr_log
from simulators.fit.lines import numbered
from simulators.fit.observations import Observations
from simulators.fit.recorded import record_log
from simulators.fit.spans import otlp_spans
from simulators.fit.tables import csv_table, jsonl_table

__all__ = ["FORMATS", "keywords_of", "read"]

_READERS: dict[str, Callable[..., Observations]] = {
    "csv": csv_table,
    "jsonl": jsonl_table,
    "hdr": hdr_log,
    "otlp": otlp_spans,
    "records": record_log,
}
FORMATS = tuple(_READERS)
"""The formats that `read` knows."""

_SUFFIXES = {".csv": "csv", ".tsv": "csv", ".hlog": "hdr", ".hgrm": "hdr"}
_SNIFFED = 1000
"""Lines of a file that are looked at."""


def read(
    path: str | os.PathLike[str],
    format: str | None = None,  # noqa: A002
    **mapping: Any,
) -> Observations:
    """The requests of a log.

    `format`: one of `FORMATS`; without it, by the ending of the name, or by what the first lines
    hold. `mapping` says which column, field, tag, span or attribute means what:

    * CSV and JSON Lines: `unit`, and `branches` with patterns such as `latency="{branch}_ms"` for a
      row for each request, or `branch` and `request` for a row for each attempt; `latency`,
      `outcome`, `valid`, `launched`, `start`, `start_unit` ("iso" or a unit), `words`, `where`,
      `malformed`; for CSV `delimiter`;
    * HdrHistogram: `unit`, `branches`;
    * OTLP: `parent`, `branches`, `branch`, `outcome`, `valid`, `words`, `losers`, `malformed`;
    * records of speculations: `where`.

    `ScenarioError` if the file is none of these, damaged, or says something else than the mapping;
    `OSError` if it cannot be opened.
    """
    place = Path(path)
    if format is None:
        format = _SUFFIXES.get(place.suffix) or _sniffed(place)  # noqa: A001
    checks.one_of("format", format, FORMATS)
    if place.suffix == ".tsv":
        mapping.setdefault("delimiter", "\t")
    known = keywords_of(format)
    for name, value in mapping.items():
        if name not in known:
            why = f"means nothing for the format {format!r}"
            raise ScenarioError(name, value, why, checks.nearest(name, known))
    return _READERS[format](place, **mapping)


def keywords_of(form: str) -> list[str]:
    """What a mapping may say for this format."""
    reader = _READERS[form]
    parameters = list(inspect.signature(reader).parameters.values())
    if any(one.kind is inspect.Parameter.VAR_KEYWORD for one in parameters):
        parameters += inspect.signature(columns_of).parameters.values()
    return [one.name for one in parameters if one.kind is inspect.Parameter.KEYWORD_ONLY]


def _sniffed(place: Path) -> str:
    lines = [line for _, line in itertools.islice(numbered(place), _SNIFFED)]
    text = "".join(lines)
    if not text.strip():
        raise ScenarioError("the file", place.name, "is empty", "use a log with data")
    if '"resourceSpans"' in text:
        return "otlp"
    if "winning_branch_index" in text:
        return "records"
    if text.lstrip().startswith("{"):
        return "jsonl"
    if "HistogramLogProcessor" in text or "Logged with" in text or "TotalCount" in text:
        return "hdr"
    remedy = f"use format= with one of {', '.join(map(repr, FORMATS))}"
    raise ScenarioError("the file", place.name, "is of no format that can be told", remedy)
