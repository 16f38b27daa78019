"""Hedges of requests that share nothing: survival functions, and simulation.

Sources: J. Dean, L. A. Barroso, The Tail at Scale, 2013; for the work of hedges and their
cancellation G. Joshi, E. Soljanin, G. Wornell, 2017.
"""

import numpy as np

from simulators import fast
from simulators.exact.attempts import Attempted
from simulators.exact.races import Staggered
from spectest.latency import Exponential, GaussianCopula, LogNormal
from spectest.patterns.policies import EagerRace, Hedge, Sequential
from tests.parity.theory import Row, assert_exact, assert_simulated, exactly, race, simulated

ONE = Exponential(1.0)
HEAVY = LogNormal(1.0, 1.0)
P95 = HEAVY.quantile(0.95)

HEDGES = {
    f"log-normal, {delay}": Row(
        race([HEAVY] * 2, Hedge(HEAVY.quantile(q) if q else 0.0)),
        {
            "launches": 2 - q, "won by 1": wins, "mean": mean, "p99": p99, "p99.9": p999,
            "work": work,
        },
        {"won by 1": Staggered([Attempted(HEAVY)] * 2, HEAVY.quantile(q) if q else 0.0).wins(1)},
        quick=True,
    )
    for delay, q, wins, mean, p99, p999, work in (
        ("at once", 0.0, 0.5, 0.790562, 3.602224, 6.407449, 1.581124),
        ("after its p50", 0.50, 0.238866, 1.141629, 4.120474, 6.919342, 1.521680),
        ("after its p75", 0.75, 0.132431, 1.313748, 4.653816, 7.434731, 1.522758),
        ("after its p90", 0.90, 0.059472, 1.460660, 5.636652, 8.362024, 1.553965),
        ("after its p95", 0.95, 0.031937, 1.529895, 6.666581, 9.312947, 1.579917),
        ("after its p99", 0.99, 0.007240, 1.610204, 10.240474, 12.719016, 1.621561),
    )
}  # fmt: skip

UNCUT = {
    f"log-normal, after {q:.0%}": Row(
        race([HEAVY] * 2, Hedge(HEAVY.quantile(q) if q else 0.0), cancel="never"), {"work": work},
        quick=True,
    )
    for q, work in (
        (0.0, 3.297443), (0.5, 2.473082), (0.75, 2.060902), (0.9, 1.813593), (0.95, 1.731157),
        (0.99, 1.665208),
    )
}  # fmt: skip

EXPONENTIAL = {
    "exponential, after its mean": Row(
        race([ONE] * 2, Hedge(1.0)), {"mean": 0.816060, "work": 1, "p99": 2.802585}, quick=True
    )
}

CORRELATED = {
    f"{r} {name}": Row(
        race([HEAVY] * 2, policy, dependence=GaussianCopula(r)), {"p99": p99}, quick=True
    )
    for r, hedged, eager in (
        (0.0, 6.666581, 3.602224), (0.3, 7.475368, 4.664428), (0.5, 8.171023, 5.541790),
        (0.8, 9.525774, 7.342170), (0.95, 10.211012, 8.854958), (1.0, 10.240474, 10.240474),
    )
    for name, policy, p99 in (("hedged", Hedge(P95), hedged), ("eager", EagerRace(), eager))
}  # fmt: skip


@exactly({**HEDGES, **UNCUT, **EXPONENTIAL, **CORRELATED})
def test_a_hedge_has_its_survival_function(row: Row) -> None:
    assert_exact(row)


@simulated({**HEDGES, **EXPONENTIAL})
def test_hedges(row: Row, n: int) -> None:
    assert_simulated(row, n)


@simulated(UNCUT)
def test_hedges_that_nobody_cancels(row: Row, n: int) -> None:
    assert_simulated(row, n)


@simulated(CORRELATED)
def test_correlated_branches(row: Row, n: int) -> None:
    assert_simulated(row, n)


def test_cancellation_changes_no_latency() -> None:
    cut, whole = (
        fast.run(race([HEAVY] * 2, Hedge(P95), cancel=cancel), 5000, 1)
        for cancel in ("immediate", "never")
    )
    assert np.array_equal(cut.latency, whole.latency)


def test_a_twin_does_not_help() -> None:
    twins = race([HEAVY] * 2, dependence=GaussianCopula(1.0))
    alone = race([HEAVY], Sequential(), dependence=GaussianCopula(1.0))
    assert np.array_equal(fast.run(twins, 5000, 7).latency, fast.run(alone, 5000, 7).latency)
