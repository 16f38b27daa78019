"""The page of a sample: latency, cost and failures, each with its interval."""

from __future__ import annotations

import math
from collections import Counter

from spectest.exploration.estimates import Estimate, proportion_of
from spectest.exploration.sampling import Sample, ServiceUse
from spectest.kernel.clock import NANOSECONDS
from spectest.latency import Independent
from spectest.reporting.measures import count, cut, duration

__all__ = ["page"]

_PERCENTILES = ((0.50, "p50"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9"))
_MOST_FAILURES = 5


def page(it: Sample, width: int = 100) -> str:
    """Some fifteen lines; intervals cover the truth in 95 of 100 samples."""
    how = "independent" if it.dependence == Independent() else repr(it.dependence)
    drawn = f"each alone, latencies drawn (seed {it.seed}, {how})"
    lines = [
        f"{it.program}: {count(it.requests, 'request')}, {drawn}",
        "",
        *_latencies(it),
        *_costs(it),
        *(_service(use, it.requests) for use in it.services),
        *_failures(it, width),
    ]
    return "\n".join(lines)


def _latencies(it: Sample) -> list[str]:
    if not it.latencies:
        return ["latency   none: every request failed"]
    lines = [f"latency   mean   {_seconds(it.mean)}"]
    lines += [f"          {name:<5}  {_seconds(it.percentile(p))}" for p, name in _PERCENTILES]
    return lines


def _costs(it: Sample) -> list[str]:
    if not any(it.costs):
        return []
    share = it.waste.value / it.cost.value
    return [
        f"cost      a request {_plain(it.cost)}",
        f"          wasted    {_plain(it.waste)}: {100 * share:.3g} %",
    ]


def _service(use: ServiceUse, requests: int) -> str:
    parts = [
        f"{use.calls / requests:.3g} calls a request",
        f"busy {_ms(use.busy_s / requests)} a request",
    ]
    if use.dead:
        parts.append(f"{100 * use.dead / use.calls:.3g} % worked on after the caller had left")
    if use.refused:
        parts.append(f"{100 * use.refused / use.calls:.3g} % refused")
    return f"service   {use.name}: {', '.join(parts)}"


def _failures(it: Sample, width: int) -> list[str]:
    total = it.probability()
    lines = [f"failures  {len(it.failures)} of {it.requests:,}: {_percent(total)}"]
    kinds = Counter(one.signature for one in it.failures)
    for signature, number in kinds.most_common(_MOST_FAILURES):
        first = next(one for one in it.failures if one.signature == signature)
        what = f"{first.error}: {first.message}" if first.message else first.error
        share = _percent(proportion_of(number, it.requests))
        lines.append(cut(f"          {number} times {what}", width))
        lines.append(f"            {share}; first in request {first.request}")
    return lines


def _seconds(it: Estimate) -> str:
    return f"{_ms(it.value)}  ({_ms(it.low)} to {_ms(it.high)})"


def _ms(seconds: float) -> str:
    return "no bound" if math.isinf(seconds) else duration(round(seconds * NANOSECONDS), 3)


def _plain(it: Estimate) -> str:
    return f"{it.value:.4g} ({it.low:.4g} to {it.high:.4g})"


def _percent(it: Estimate) -> str:
    return f"{100 * it.value:.3g} % ({100 * it.low:.3g} to {100 * it.high:.3g} %)"
