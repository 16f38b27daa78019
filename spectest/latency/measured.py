"""Measured latencies: as often as they were seen, and never anything else."""

from __future__ import annotations

import math
import os
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from typing import cast

from spectest.latency import checks
from spectest.latency.base import Latency
from spectest.latency.solving import ROUNDING

__all__ = ["Empirical"]


@dataclass(frozen=True, slots=True, repr=False)
class Empirical(Latency):
    """The distribution of measured `values` in seconds: a list, or a mapping {seconds: count}.

    A quantile is one of the values; nothing is interpolated (type 1 of Hyndman and Fan, "Sample
    Quantiles in Statistical Packages", The American Statistician 50(4), 1996). Nothing takes longer
    than the longest value, so a tail beyond it needs `Percentiles` or a `Mixture`. `str()` is a
    summary of one line; `repr()` holds all values.
    """

    values: Iterable[float] | Mapping[float, int]
    _sorted: tuple[float, ...] = field(init=False, compare=False)
    _ranks: tuple[int, ...] = field(init=False, compare=False)

    def __post_init__(self) -> None:
        given = self.values
        counts = given if isinstance(given, Mapping) else Counter(_listed(given))
        found: Counter[float] = Counter()
        for value, count in counts.items():
            number = checks.seconds("Empirical", "a value", value)
            found[number] += checks.integer("Empirical", f"count of {value!r}", count, least=1)
        if not found:
            raise checks.refusal("Empirical", "values", given, "is empty; use one value or more")
        items = tuple(sorted(found.items()))
        ranks = tuple(accumulate(count for _, count in items))
        checks.fix(self, values=items, _sorted=tuple(value for value, _ in items), _ranks=ranks)

    @classmethod
    def from_csv(cls, path: str | os.PathLike[str], column: str, unit: str = "s") -> Empirical:
        """One column of a CSV file with a header; `unit` is s, ms, us or ns."""
        from spectest.latency.readers import csv_rows

        return cls([row[0] for row in csv_rows(path, [column], unit)])

    @classmethod
    def from_jsonl(cls, path: str | os.PathLike[str], field: str, unit: str = "s") -> Empirical:
        """One field of each line of a JSON Lines file; `a.b` is the field b of the object a."""
        from spectest.latency.readers import jsonl_values

        return cls(jsonl_values(path, field, unit))

    @classmethod
    def from_hdr(
        cls, path: str | os.PathLike[str], *, unit: str, tag: str | None = None
    ) -> Empirical:
        """An HdrHistogram file: the text of its percentiles (.hgrm), or its interval log (.hlog).

        Of a log, all intervals with this `tag` are added up, those without a tag by default. A
        value stands at the upper end of its bucket, or of its line of percentiles: so its
        percentiles are those that HdrHistogram prints, up to the rounding of ranks, and means come
        out slightly high.
        """
        from spectest.latency.hdr import counts_of

        return cls(counts_of(path, unit, tag))

    @property
    def _items(self) -> tuple[tuple[float, int], ...]:
        return cast("tuple[tuple[float, int], ...]", self.values)

    def __repr__(self) -> str:
        if self._ranks[-1] == len(self._sorted):
            return f"Empirical({list(self._sorted)!r})"
        return f"Empirical({dict(self._items)!r})"

    def __str__(self) -> str:
        low, high = self.support
        return (
            f"Empirical of {self._ranks[-1]} values from {low:g} to {high:g} s, "
            f"median {self.quantile(0.5):g} s"
        )

    def sf(self, t: float) -> float:
        place = bisect_right(self._sorted, t)
        total = self._ranks[-1]
        return (total - self._ranks[place - 1]) / total if place else 1.0

    def inverse(self, p: float) -> float:
        total = self._ranks[-1]
        return self._sorted[bisect_left(self._ranks, total * (p - ROUNDING))]

    @property
    def mean(self) -> float:
        return math.fsum(value * count for value, count in self._items) / self._ranks[-1]

    @property
    def variance(self) -> float:
        """That of the distribution: squares divided by the number of values."""
        mean = self.mean
        squares = (count * (value - mean) ** 2 for value, count in self._items)
        return math.fsum(squares) / self._ranks[-1]

    @property
    def support(self) -> tuple[float, float]:
        return self._sorted[0], self._sorted[-1]


def _listed(values: Iterable[float]) -> list[float]:
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise checks.refusal("Empirical", "values", values, "is no list of seconds; use [0.1, 0.2]")
    return [checks.seconds("Empirical", "a value", value) for value in values]
