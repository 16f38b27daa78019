"""Values that can be worked out by hand, or are published."""

import math

import pytest

from spectest.latency import (
    LLM,
    Constant,
    Empirical,
    Erlang,
    Exponential,
    HyperExponential,
    Latency,
    LogNormal,
    Mixture,
    Pareto,
    Percentiles,
    ShiftedExponential,
    Uniform,
    Weibull,
)


def test_a_lognormal_from_two_percentiles() -> None:
    latency = LogNormal.from_percentiles(p50=0.030, p99=0.150)
    assert latency.median == 0.030
    assert latency.sigma == pytest.approx(math.log(5) / 2.3263478740408408, rel=1e-15)
    assert latency.quantile(0.99) == pytest.approx(0.150, rel=1e-14)
    assert latency.sf(0.150) == pytest.approx(0.01, rel=1e-13)


@pytest.mark.parametrize(
    "latency, mean, p50, p99",
    [
        (Exponential(1.0), 1.0, math.log(2), 4.605170185988091),
        (ShiftedExponential(1.0, mean=2.0), 2.0, 1 + math.log(2), 5.605170185988091),
        (Pareto(1.0, alpha=2.0), 2.0, math.sqrt(2), 10.0),
        (Weibull(1.0, shape=0.5), 2.0, math.log(2) ** 2, 4.605170185988091**2),
        (LogNormal(1.0, sigma=1.0), math.exp(0.5), 1.0, 10.240473656),
        (Uniform(1.0, 3.0), 2.0, 2.0, 2.98),
        (Constant(0.2), 0.2, 0.2, 0.2),
        (Erlang(1, mean=2.0), 2.0, 2 * math.log(2), 9.210340371976182),
        (Erlang(2, mean=2.0), 2.0, 1.6783469900166605, 6.638352067993813),
        (HyperExponential([1.0], [2.0]), 2.0, 2 * math.log(2), 9.210340371976182),
    ],
    ids=repr,
)
def test_means_and_quantiles(latency: Latency, mean: float, p50: float, p99: float) -> None:
    assert latency.mean == pytest.approx(mean, rel=1e-12)
    assert latency.quantile(0.5) == pytest.approx(p50, rel=1e-9)
    assert latency.quantile(0.99) == pytest.approx(p99, rel=1e-9)


@pytest.mark.parametrize(
    "latency, mean, variance",
    [
        (Pareto(1.0, alpha=1.0), math.inf, math.inf),
        (Pareto(1.0, alpha=1.5), 3.0, math.inf),
        (Pareto(1.0, alpha=2.0), 2.0, math.inf),
        (Mixture({Pareto(1.0, alpha=0.9): 0.1, Constant(1.0): 0.9}), math.inf, math.inf),
        (Mixture({Pareto(1.0, alpha=2.0): 0.5, Constant(1.0): 0.5}), 1.5, math.inf),
        (Percentiles({0.5: 1.0}, low=1.0, tail=Pareto(1.0, alpha=1.0)), math.inf, math.inf),
        (Percentiles({0.5: 1.0}, low=1.0, tail=Pareto(1.0, alpha=2.0)), 1.5, math.inf),
        (LLM(ttft=0.1, tokens=2, tpot=Pareto(1.0, alpha=2.0)), 4.1, math.inf),
        (LLM(ttft=Pareto(1.0, alpha=2.0), tokens=(1, 2), tpot=(0.0, 1.0)), 2.75, math.inf),
    ],
    ids=repr,
)
def test_moments_that_diverge(latency: Latency, mean: float, variance: float) -> None:
    assert latency.mean == pytest.approx(mean)
    assert latency.variance == variance
    assert math.isfinite(latency.interval()[2])


@pytest.mark.parametrize("stages", [10, 1000, 10_000])
def test_an_erlang_of_many_stages_has_its_median_below_its_mean_by_a_third_of_a_stage(
    stages: int,
) -> None:
    latency = Erlang(stages, mean=float(stages))
    assert latency.quantile(0.5) == pytest.approx(stages - 1 / 3, abs=0.003)


@pytest.mark.parametrize(
    "p, expected",
    [(0.0, 0.1), (0.3, 0.1), (0.6, 0.2), (0.9, 0.3), (0.91, 0.4), (1.0, 0.4)],
)
def test_a_decimal_probability_meets_the_atom_that_it_names(p: float, expected: float) -> None:
    parts = {Constant(0.1): 0.3, Constant(0.2): 0.3, Constant(0.3): 0.3, Constant(0.4): 0.1}
    values = [0.1] * 3 + [0.2] * 3 + [0.3] * 3 + [0.4]
    assert Mixture(parts).quantile(p) == Empirical(values).quantile(p) == expected


def test_every_percentile_of_a_hundred_values_is_one_of_them() -> None:
    latency = Empirical([float(value) for value in range(1, 101)])
    assert [latency.quantile(p / 100) for p in range(1, 101)] == list(range(1, 101))


def test_a_cold_start_moves_the_tail_and_not_the_median() -> None:
    warm = LogNormal(0.03, sigma=0.5)
    latency = Mixture({warm: 0.98, Uniform(1.0, 3.0): 0.02})
    assert latency.quantile(0.5) == pytest.approx(0.0303, abs=0.0001)
    assert latency.quantile(0.99) == pytest.approx(2.0)
    assert latency.support == (0.0, math.inf)


def test_a_table_of_percentiles_is_met_at_its_entries() -> None:
    latency = Percentiles({0.99: 0.15, 0.5: 0.03}, low=0.01, tail=0.4)
    assert [latency.quantile(p) for p in (0, 0.5, 0.99, 1)] == [0.01, 0.03, 0.15, 0.4]
    assert latency.quantile(0.995) == pytest.approx(0.275)
    assert latency.sf(0.09) == pytest.approx(math.sqrt(0.5 * 0.01))


def test_equal_entries_of_a_table_are_a_weight() -> None:
    latency = Percentiles({0.2: 0.03, 0.7: 0.03}, low=0.01, tail=0.03)
    assert (latency.quantile(0.21), latency.sf(0.03)) == (0.03, 0.0)


def test_a_table_of_one_exponential_is_that_exponential() -> None:
    whole = ShiftedExponential(0.1, mean=0.3)
    levels = (0.2, 0.5, 0.500001, 0.9)
    tail = ShiftedExponential(whole.quantile(0.9), mean=whole.quantile(0.9) + 0.2)
    latency = Percentiles({p: whole.quantile(p) for p in levels}, low=0.1, tail=tail)
    assert latency.mean == pytest.approx(whole.mean, rel=1e-12)
    assert latency.variance == pytest.approx(whole.variance, rel=1e-12)
    assert latency.quantile(0.77) == pytest.approx(whole.quantile(0.77), rel=1e-12)


def test_the_quantiles_of_an_answer_of_one_length_add_up() -> None:
    ttft, tpot = LogNormal(0.3, sigma=0.5), LogNormal(0.02, sigma=0.3)
    latency = LLM(ttft, tokens=200, tpot=tpot)
    for p in (0.01, 0.5, 0.99):
        assert latency.quantile(p) == ttft.quantile(p) + 200 * tpot.quantile(p)
    covariance = ttft.mean * 200 * tpot.mean * math.expm1(0.5 * 0.3)
    separate = ttft.variance + 200**2 * tpot.variance
    assert latency.variance == pytest.approx(separate + 2 * covariance, rel=1e-9)


def test_the_length_of_an_answer_is_independent_of_its_speed() -> None:
    latency = LLM(LogNormal(0.3, sigma=0.5), tokens={10: 0.5, 30: 0.5}, tpot=Exponential(0.02))
    short, long = (LLM(LogNormal(0.3, sigma=0.5), n, Exponential(0.02)) for n in (10, 30))
    assert latency.mean == pytest.approx(latency.ttft.mean + 20 * 0.02)  # type: ignore[union-attr]
    for t in (0.4, 0.9, 3.0):
        assert latency.sf(t) == pytest.approx((short.sf(t) + long.sf(t)) / 2, rel=1e-12)


def test_a_range_of_tokens_includes_both_ends() -> None:
    latency = LLM(ttft=1.0, tokens=(2, 4), tpot=0.5)
    assert [latency.quantile(p) for p in (0.0, 1 / 3, 0.5, 1.0)] == [2.0, 2.0, 2.5, 3.0]
    assert latency.mean == pytest.approx(2.5)


def test_an_empirical_latency_has_a_summary_of_one_line() -> None:
    latency = Empirical([0.25] + [0.125] * 3)
    assert str(latency) == "Empirical of 4 values from 0.125 to 0.25 s, median 0.125 s"
    assert repr(latency) == "Empirical({0.125: 3, 0.25: 1})"
