"""How long things take, as data: a test states it, a report prints it, a simulator draws from it.

    llm = spectest.latency.LogNormal.from_percentiles(p50=0.030, p99=0.150)

A latency is an immutable value whose `repr` is the call that makes it. It holds no dice: `Draws`
gives the uniform number, and a dependence says which branches share it. Times are float seconds.
Everything here is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spectest.latency.base import Latency, Stream
    from spectest.latency.dependence import (
        CommonShock,
        Dependence,
        GaussianCopula,
        Independent,
        PairedRows,
    )
    from spectest.latency.draws import Draws
    from spectest.latency.llm import LLM
    from spectest.latency.measured import Empirical
    from spectest.latency.mixtures import HyperExponential, Mixture
    from spectest.latency.percentiles import Percentiles
    from spectest.latency.simple import (
        Constant,
        Exponential,
        ShiftedExponential,
        Uniform,
        as_latency,
    )
    from spectest.latency.stages import Erlang
    from spectest.latency.tails import LogNormal, Pareto, Weibull

_ROOMS = {
    "spectest.latency.base": ("Latency", "Stream"),
    "spectest.latency.dependence": (
        "CommonShock",
        "Dependence",
        "GaussianCopula",
        "Independent",
        "PairedRows",
    ),
    "spectest.latency.draws": ("Draws",),
    "spectest.latency.llm": ("LLM",),
    "spectest.latency.measured": ("Empirical",),
    "spectest.latency.mixtures": ("HyperExponential", "Mixture"),
    "spectest.latency.percentiles": ("Percentiles",),
    "spectest.latency.simple": (
        "Constant",
        "Exponential",
        "ShiftedExponential",
        "Uniform",
        "as_latency",
    ),
    "spectest.latency.stages": ("Erlang",),
    "spectest.latency.tails": ("LogNormal", "Pareto", "Weibull"),
}
_HOMES = {name: room for room, names in _ROOMS.items() for name in names}

__all__ = [
    "LLM",
    "CommonShock",
    "Constant",
    "Dependence",
    "Draws",
    "Empirical",
    "Erlang",
    "Exponential",
    "GaussianCopula",
    "HyperExponential",
    "Independent",
    "Latency",
    "LogNormal",
    "Mixture",
    "PairedRows",
    "Pareto",
    "Percentiles",
    "ShiftedExponential",
    "Stream",
    "Uniform",
    "Weibull",
    "as_latency",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'spectest.latency' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
