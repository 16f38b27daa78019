"""A parameter that means nothing is refused with its name and a way out."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest

from spectest.errors import UsageError
from spectest.latency import (
    LLM,
    CommonShock,
    Constant,
    Draws,
    Empirical,
    Erlang,
    Exponential,
    GaussianCopula,
    HyperExponential,
    LogNormal,
    Mixture,
    PairedRows,
    Pareto,
    Percentiles,
    ShiftedExponential,
    Uniform,
    Weibull,
    as_latency,
)

NO_SECONDS = [-0.1, math.nan, math.inf, True, "1", None, 10**400]


@pytest.mark.parametrize("value", NO_SECONDS)
@pytest.mark.parametrize(
    "make, culprit",
    [
        (Constant, "Constant: seconds="),
        (lambda value: Uniform(value, 1.0), "Uniform: low="),
        (lambda value: Uniform(0.0, value), "Uniform: high="),
        (Exponential, "Exponential: mean="),
        (lambda value: ShiftedExponential(value, 1.0), "ShiftedExponential: shift="),
        (lambda value: ShiftedExponential(0.1, value), "ShiftedExponential: mean="),
        (lambda value: LogNormal(value, 1.0), "LogNormal: median="),
        (lambda value: LogNormal(1.0, value), "LogNormal: sigma="),
        (lambda value: LogNormal.from_percentiles(p50=value, p99=1), "from_percentiles: p50="),
        (lambda value: LogNormal.from_percentiles(p50=1, p99=value), "from_percentiles: p99="),
        (lambda value: Pareto(value, 1.0), "Pareto: minimum="),
        (lambda value: Pareto(1.0, value), "Pareto: alpha="),
        (lambda value: Weibull(value, 1.0), "Weibull: scale="),
        (lambda value: Weibull(1.0, value), "Weibull: shape="),
        (lambda value: Erlang(2, value), "Erlang: mean="),
        (lambda value: HyperExponential([1.0], [value]), "HyperExponential: means="),
        (lambda value: HyperExponential([value], [1.0]), "HyperExponential: weights="),
        (lambda value: Mixture([(value, 0.1)]), "Mixture: the weights="),
        (lambda value: Mixture([(1.0, value)]), "Mixture: a part="),
        (lambda value: Empirical([value]), "Empirical: a value="),
        (lambda value: Percentiles({0.5: value}, low=0, tail=1), r"table\[0.5\]="),
        (lambda value: Percentiles({0.5: 0.1}, low=value, tail=1), "Percentiles: low="),
        (lambda value: Percentiles({0.5: 0.1}, low=0, tail=value), "Percentiles: tail="),
        (lambda value: LLM(value, 3, 0.1), "LLM: ttft="),
        (lambda value: LLM(0.1, 3, value), "LLM: tpot="),
        (lambda value: CommonShock(0.1, extra=value), "CommonShock: "),
        (lambda value: PairedRows([{"a": value}]), r"rows\[0\]: a="),
        (lambda value: as_latency(value, "services['llm']"), r"services\['llm'\]="),
    ],
)
def test_what_is_no_time(make: Callable[[Any], object], culprit: str, value: object) -> None:
    with pytest.raises(UsageError, match=culprit) as refused:
        make(value)
    assert re.search(r"\buse\b", str(refused.value), re.IGNORECASE)


@pytest.mark.parametrize(
    "make, culprit",
    [
        (lambda: Uniform(0.3, 0.2), "high=0.2 is less than low=0.3"),
        (lambda: Exponential(0), "mean=0 is not"),
        (lambda: ShiftedExponential(0.2, 0.2), "mean=0.2 is not greater than shift=0.2"),
        (lambda: LogNormal(0, 1), "median=0"),
        (lambda: LogNormal(1, 0), "sigma=0"),
        (lambda: LogNormal(1, 100), "no finite floats"),
        (lambda: LogNormal.from_percentiles(p50=0.3, p99=0.2), "p99=0.2 is not greater"),
        (lambda: LogNormal.from_percentiles(p50=0.2, p99=0.2), r"use a larger p99, or Constant"),
        (lambda: LogNormal.from_percentiles(p50=0, p99=0.2), "p50=0"),
        (lambda: Pareto(1, 0.01), "no finite floats"),
        (lambda: Weibull(1, 0.001), "no finite floats"),
        (lambda: Erlang(0, 1), "stages=0"),
        (lambda: Erlang(1.5, 1), "stages=1.5"),  # type: ignore[arg-type]
        (lambda: Erlang(True, 1), "stages=True"),
        (lambda: HyperExponential([0.5, 0.5], [1]), "means=.* not as many as the weights"),
        (lambda: HyperExponential([0.5, 0.6], [1, 2]), "does not sum to 1 but to 1.1"),
        (lambda: Mixture([]), "parts="),
        (lambda: Mixture([(0.5, 0.1)]), "does not sum to 1 but to 0.5"),
        (lambda: Mixture([(0.5, 0.1, 0.2)]), "is no pair"),  # type: ignore[list-item]
        (lambda: Mixture("ab"), "parts='ab'"),  # type: ignore[arg-type]
        (lambda: Empirical([]), "is empty"),
        (lambda: Empirical("0.1"), "is no list"),  # type: ignore[arg-type]
        (lambda: Empirical({0.1: 0}), "count of 0.1=0"),
        (lambda: Empirical({0.1: 1.5}), "count of 0.1=1.5"),
        (lambda: Percentiles({}, low=0, tail=1), "table={}"),
        (lambda: Percentiles({1.0: 0.1}, low=0, tail=1), "use 0.99 for the 99th percentile"),
        (lambda: Percentiles({99: 0.1}, low=0, tail=1), "a percentile of the table=99"),
        (lambda: Percentiles({0.5: 0.2, 0.9: 0.1}, low=0, tail=1), "never falls"),
        (lambda: Percentiles({0.5: 0.2}, low=0.3, tail=1), "never falls"),
        (lambda: Percentiles({0.5: 0.2}, low=0, tail=0.1), "tail=0.1 is a maximum below"),
        (lambda: Percentiles({0.5: 0.2}, low=0, tail=Pareto(0.1, 2)), "begins before"),
        (lambda: LLM(0.1, 0, 0.1), "tokens=0"),
        (lambda: LLM(0.1, (5, 3), 0.1), r"tokens\[1\]=3"),
        (lambda: LLM(0.1, {}, 0.1), "tokens={}"),
        (lambda: LLM(0.1, {3: 0.5}, 0.1), "the weights of tokens="),
        (lambda: LLM(0.1, {0: 1.0}, 0.1), "a number of tokens=0"),
        (lambda: LLM(0.1, "many", 0.1), "tokens='many'"),  # type: ignore[arg-type]
        (lambda: as_latency((0.1, 0.2, 0.3)), r"latency=\(0.1, 0.2, 0.3\)"),
        (lambda: as_latency((0.2, 0.1)), r"latency=\(0.2, 0.1\)"),
        (lambda: Constant(1).quantile(1.1), "Constant.quantile: p=1.1"),
        (lambda: Constant(1).quantile(math.nan), "p=nan"),
        (lambda: Constant(1).interval(0.5), "tail=0.5"),
        (lambda: Constant(1).interval(0), "tail=0"),
        (lambda: Draws(-1), "seed=-1"),
        (lambda: Draws(1.0), "seed=1.0"),  # type: ignore[arg-type]
        (lambda: Draws(1).uniform(-1, "a"), "request=-1"),
        (lambda: Draws(1).uniform(2**64, "a"), "request="),
        (lambda: Draws(1).uniform(1, 2), "branch=2"),  # type: ignore[arg-type]
        (lambda: Draws(1).uniform(1, "a", 0), "attempt=0"),
        (lambda: Draws(1).uniform(1, "a", kind=None), "kind=None"),  # type: ignore[arg-type]
        (lambda: Draws(1).uniforms([1, 2], "a"), "requests="),
        (lambda: CommonShock(1.5, factor=2), "probability=1.5"),
        (lambda: CommonShock(0.5), "either factor=3.0 or extra=0.2"),
        (lambda: CommonShock(0.5, factor=2, extra=1), "either factor=3.0 or extra=0.2"),
        (lambda: CommonShock(0.5, factor=0.5), "factor=0.5 is below 1"),
        (lambda: GaussianCopula(1.1), "correlation=1.1"),
        (lambda: GaussianCopula(-0.1), "correlation=-0.1"),
        (lambda: PairedRows([]), "rows="),
        (lambda: PairedRows([{}]), r"rows\[0\]={}"),
        (lambda: PairedRows([{"a": 1}, {"b": 1}]), r"rows\[1\]={'b': 1}"),
        (
            lambda: PairedRows([{"a": 1}]).latency("b"),
            "branch='b' is not in the rows; use one of a",
        ),
    ],
)
def test_what_does_not_fit(make: Callable[[], object], culprit: str) -> None:
    with pytest.raises(UsageError, match=culprit):
        make()


def test_what_may_stand_for_a_latency() -> None:
    assert as_latency(2) == Constant(2.0)
    assert as_latency((0.1, 0.2)) == as_latency([0.1, 0.2]) == Uniform(0.1, 0.2)
    latency = Exponential(1)
    assert as_latency(latency) is latency
