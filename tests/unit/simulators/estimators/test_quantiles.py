"""Sample quantiles have names, and published figures are reproduced by the one they used.

The latencies are those of rounds 19 to 54 of the text-to-speech benchmark of gpuhedge, in seconds,
three GPU providers in each round. Copyright the gpuhedge authors, Apache License 2.0.
"""

import pytest

from simulators.estimators import quantile

RUNPOD = [
    116.48, 5.95, 5.94, 5.95, 104.49, 5.96, 122.15, 5.98, 109.57, 120.07, 6.74, 6.61, 116.63,
    109.75, 89.48, 6.04, 6.28, 5.99, 8.32, 6.42, 6.11, 5.97, 5.92, 105.01, 100.16, 5.98, 5.99,
    5.98, 94.48, 5.99, 5.78, 6.02, 5.97, 6.0, 5.98, 6.0,
]  # fmt: skip
MODAL = [
    38.82, 39.71, 27.11, 96.75, 39.57, 47.84, 28.53, 30.21, 57.35, 37.57, 39.27, 41.02, 39.32,
    30.34, 28.17, 35.23, 35.98, 30.05, 30.05, 38.38, 40.17, 82.99, 36.94, 42.18, 27.1, 29.39,
    29.79, 28.76, 26.73, 28.34, 29.24, 61.96, 73.83, 98.03, 37.82, 44.8,
]  # fmt: skip
CEREBRIUM = [
    18.82, 18.9, 19.29, 18.74, 19.23, 19.52, 18.81, 18.97, 18.31, 19.76, 19.35, 20.2, 19.42,
    19.09, 19.45, 19.49, 19.64, 19.3, 19.25, 18.76, 19.3, 20.85, 19.29, 18.88, 19.04, 19.1, 18.43,
    19.91, 17.73, 101.95, 5.34, 19.23, 19.43, 19.23, 19.24, 18.42,
]  # fmt: skip


def hedged(primary: list[float], backup: list[float], delay: float) -> list[float]:
    pairs = zip(primary, backup, strict=True)
    return [min(one, delay + two) if one > delay else one for one, two in pairs]


@pytest.mark.parametrize(
    "latencies, p50, p95, over",
    [
        (RUNPOD, 6.0, 116.6, 11),
        (MODAL, 37.8, 83.0, 5),
        (CEREBRIUM, 19.2, 20.2, 1),
        (hedged(RUNPOD, CEREBRIUM, 0.0), 6.0, 19.4, 0),
        (hedged(RUNPOD, CEREBRIUM, 10.0), 6.0, 29.4, 0),
        (hedged(RUNPOD, MODAL, 10.0), 6.0, 49.6, 1),
    ],
)
def test_published_figures_of_hedged_gpu_providers(
    latencies: list[float], p50: float, p95: float, over: int
) -> None:
    found = [round(quantile(latencies, p, "nearest"), 1) for p in (0.5, 0.95)]
    assert found == [p50, p95]
    assert sum(seconds > 60 for seconds in latencies) == over


def test_another_method_gives_other_figures() -> None:
    assert sum(seconds > 10 for seconds in RUNPOD) == 11
    assert quantile(RUNPOD, 0.95, "inverted_cdf") == 120.07
    assert quantile(RUNPOD, 0.95, "linear") == pytest.approx(117.49)


def test_methods_on_ten_values() -> None:
    values = [10.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0]
    assert [quantile(values, 0.5, method) for method in ("inverted_cdf", "nearest", "linear")] == [
        5.0, 5.0, 5.5,
    ]  # fmt: skip
    assert quantile(values, 0.9) == 9.0
    assert quantile([3.0], 0.99) == 3.0


def test_what_has_no_quantile_is_refused() -> None:
    with pytest.raises(ValueError, match="there are no values"):
        quantile([], 0.5)
    with pytest.raises(ValueError, match="p is 95; use a probability between 0 and 1"):
        quantile([1.0], 95)
    with pytest.raises(ValueError, match="method 'median' is not known"):
        quantile([1.0], 0.5, "median")  # type: ignore[arg-type]
