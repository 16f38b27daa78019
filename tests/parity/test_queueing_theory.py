"""Queues with a closed form: the exact engine says it, and the fast engine simulates it.

Sources: L. Kleinrock, Queueing Systems I, 1975, for M/M/c, M/G/1, M/D/1 and D/M/1; A. K. Erlang,
1917, and B. A. Sevastyanov, 1957, for losses; C. Palm, 1957, for patience and, 1943, for servers
without end; P. J. Burke, 1956, for tandems; F. Spitzer, 1956, for the start.
"""

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from simulators import fast
from simulators.estimators import cut
from simulators.estimators.influence import mean_of
from simulators.exact import queues, solve
from simulators.exact.attempts import moment
from simulators.exact.queues import MMC, MD1Wait
from simulators.scenario import Branch, Deterministic, Poisson, Pool, Scenario, ScenarioError, Trace
from spectest.latency import (
    Constant,
    Erlang,
    Exponential,
    HyperExponential,
    Latency,
    LogNormal,
    Pareto,
)
from spectest.patterns.policies import EagerRace, Sequential
from tests.parity.theory import (
    ORDINARY,
    SOAK,
    Row,
    assert_close,
    assert_exact,
    assert_simulated,
    exactly,
    observed,
    one_queue,
    simulated,
    sizes,
)

ONE = Exponential(1.0)
HEAVY = LogNormal(math.exp(-0.5), 1.0)  # mean 1
# Balanced means, squared coefficient of variation 4.
BALANCED = HyperExponential(
    [(1 + math.sqrt(0.6)) / 2, (1 - math.sqrt(0.6)) / 2],
    [1 / (1 + math.sqrt(0.6)), 1 / (1 - math.sqrt(0.6))],
)


def exponential(
    servers: int, rate: float, waits: float, wait: float, p99: float, *, quick: bool = False
) -> Row:
    law = MMC(rate, servers=servers)
    formulas = {"waits": law.waits, "wait": law.mean_wait}
    numbers = {"waits": waits, "wait": wait, "p99": p99, "utilisation": rate / servers}
    return Row(one_queue(servers, rate, ONE), numbers, formulas, quick=quick)


def general(law: Latency, wait: float, variance: float, **fields: Any) -> Row:
    """M/G/1 at 0.7: the mean of the wait and its second moment."""
    first, second = queues.pollaczek_khinchine(0.7, *(moment(law, power) for power in (1, 2, 3)))
    numbers = {"mean": 1 + wait, "wait": wait, "wait squared": variance + wait**2}
    formulas = {"wait": first, "wait squared": second}
    return Row(one_queue(1, 0.7, law), numbers, formulas, digits=5, **fields)


ONE_SERVER = MMC(0.8)
REGULAR = queues.dm1_root(0.8)

WAITING = {
    "M/M/1": Row(
        one_queue(1, 0.8, ONE),
        {
            "mean": 5, "wait": 4, "p50": 3.465736, "p95": 14.978661, "p99": 23.025851,
            "wait p99": 21.910133,
        },
        {"wait": ONE_SERVER.mean_wait, "wait p99": ONE_SERVER.wait_quantile(0.99)},
        quick=True,
    ),
    "M/M/1, far in the tail": Row(one_queue(1, 0.8, ONE), {"p99.9": 34.538776}),
    "M/M/2": exponential(2, 1.6, 0.711111, 1.777778, 11.937370),
    "M/M/3": exponential(3, 2.4, 0.647191, 1.078652, 8.455477),
    "M/M/10 at 0.8": exponential(10, 8.0, 0.409180, 0.204590, 4.946111),
    "M/M/10 at 0.9": exponential(10, 9.0, 0.668732, 0.668732, 6.249877),
    "M/M/20 at 0.8": exponential(20, 16.0, 0.256078, 0.064019, 4.687081),
    "M/M/20 at 0.7": exponential(20, 14.0, 0.093561, 0.015594, 4.623710, quick=True),
    "M/G/1, constant": general(Constant(1.0), 1.166667, 2.138889),
    "M/G/1, Erlang": general(Erlang(2, 1.0), 1.75, 5.395833),
    "M/G/1, log-normal": general(HEAVY, 3.171329, 25.679411),
    "M/G/1, hyperexponential": general(BALANCED, 5.833333, 80.694444),
    "M/D/1": Row(
        one_queue(1, 0.7, Constant(1.0)),
        {
            "p50": 1.729751, "p95": 5.102898, "p99": 7.485499, "wait p99": 6.485499,
            "waits": Fraction(7, 10),
        },
        {"wait p99": MD1Wait(0.7).quantile(0.99), "waits": MD1Wait(0.7).sf(0)},
        quick=True,
    ),
    "D/M/1": Row(
        Scenario(
            [Branch("a", ONE, pool="p")], Sequential(), pools=[Pool("p", 1)],
            arrivals=Deterministic(1.25),
        ),
        {"waits": 0.628630, "wait": 1.692731, "mean": 2.692731, "p99": 12.400484},
        {"waits": REGULAR, "wait": REGULAR / (1 - REGULAR)},
        quick=True,
    ),
}  # fmt: skip

LOSSES = {
    f"{servers} servers, load {load}, {type(law).__name__}": Row(
        one_queue(servers, load, law, patience=0.0),
        {"unanswered": lost, "utilisation": load * (1 - lost) / servers},
        quick=(servers, load) == (10, 5) and law is HEAVY,
    )
    for servers, load, lost in (
        (10, 5, 0.018385), (10, 7, 0.078741), (10, 10, 0.214582), (10, 14, 0.377285),
        (10, 20, 0.537963), (20, 10, 0.001869), (20, 14, 0.030035), (20, 20, 0.158892),
    )
    for law in (ONE, HEAVY, Constant(1.0))
}  # fmt: skip


def walking_away(rate: float, service: float, patience: float) -> Scenario:
    """Ten servers, and users who leave after an exponential time, waiting or served.

    A server is then left after the shorter of service and patience, so that this is M/M/10+M with
    that for its service.
    """
    branches = [
        Branch("served", Exponential(service), pool="p"),
        Branch("left", Exponential(patience)),
    ]
    return Scenario(branches, EagerRace(), pools=[Pool("p", 10)], arrivals=Poisson(rate))


GIVES_UP, WAITS, _ = queues.erlang_a(10, 10, patience=1.0)
GIVES_UP_LATER, _, WAIT = queues.erlang_a(12, 10, patience=2.0)
PATIENCE = {
    "M/M/10+M, served until they leave": Row(
        walking_away(10, 1e9, 1.0),
        {"left": 0.125110, "waits": 0.542070},
        {"left": GIVES_UP, "waits": WAITS},
    ),
    "M/M/10+M": Row(
        walking_away(12, 2.0, 2.0),
        {"left": 0.195656, "wait": 0.391312, "won by 0": (1 - 0.195656) / 2},
        {"left": GIVES_UP_LATER, "wait": WAIT, "won by 0": (1 - GIVES_UP_LATER) / 2},
        quick=True,
    ),
}


@exactly({**WAITING, **LOSSES, **PATIENCE})
def test_a_queue_has_its_closed_form(row: Row) -> None:
    assert_exact(row)


@simulated(WAITING)
def test_waiting(row: Row, n: int) -> None:
    assert_simulated(row, n)


@simulated(LOSSES)
def test_losses_depend_on_the_mean_of_the_service_only(row: Row, n: int) -> None:
    assert_simulated(row, n)


@simulated(PATIENCE)
def test_users_who_walk_away(row: Row, n: int) -> None:
    assert_simulated(row, n)


@pytest.mark.soak
def test_a_service_whose_third_moment_is_infinite_has_a_mean_wait() -> None:
    """The wait has no variance, so that there is no standard error: ten per cent."""
    scenario = one_queue(1, 0.5, Pareto(0.6, alpha=2.5))
    waits = [
        observed(cut(fast.run(scenario, SOAK, seed), SOAK // 10), "wait", math.nan).value
        for seed in range(4)
    ]
    assert np.mean(waits) == pytest.approx(0.9, rel=0.1)


@sizes
@pytest.mark.parametrize("law", [ONE, HEAVY, Constant(1.0)], ids=lambda law: type(law).__name__)
@pytest.mark.parametrize("load, quantiles", [(5, (5, 11, 13)), (10, (10, 18, 21))])
def test_servers_without_end_are_poisson(
    n: int, law: Latency, load: int, quantiles: tuple[int, ...]
) -> None:
    """M/G/infinity, as those who arrive see it."""
    scenario = Scenario([Branch("a", law)], Sequential(), arrivals=Poisson(load))
    requests = fast.run(scenario, n, 2)
    left = np.searchsorted(np.sort(requests.done), requests.arrival)
    present = (np.arange(n) - left)[n // 10 :]
    for p, quantile in zip((0.5, 0.99, 0.999), quantiles, strict=True):
        assert queues.poisson_quantile(load, p) == quantile
        terms = (math.exp(-load) * load**k / math.factorial(k) for k in range(quantile + 1))
        assert_close([mean_of(present > quantile)], 1 - math.fsum(terms), queued=True)


@sizes
def test_two_servers_one_after_the_other(n: int) -> None:
    """What leaves the first one arrives at the second one: M/M/1 twice."""
    first = fast.run(one_queue(1, 0.5, ONE), n, 3)
    second = Scenario(
        [Branch("a", Exponential(1.25), pool="p")], Sequential(), pools=[Pool("p", 1)],
        arrivals=Trace(first.done.tolist()),
    )  # fmt: skip
    through = first.latency + fast.run(second, n, 4).latency
    exact = queues.tandem(0.5, 1.0, 1.25)
    assert exact == pytest.approx(16 / 3, abs=1e-9)
    assert_close([mean_of(through[n // 10 :])], exact, queued=True)


@pytest.mark.parametrize(
    "n, each", [(ORDINARY, 21), pytest.param(SOAK, 201, marks=pytest.mark.soak)]
)
def test_the_wait_after_a_start_from_empty(n: int, each: int) -> None:
    """M/M/1 at 0.8. After n others the mean wait is the sum over k <= n of E[S_k+]/k."""
    starts = n // each
    gaps = np.random.default_rng(5).exponential(1.25, (starts, each))
    gaps[:, 0] = 1e5
    alone = Scenario(
        [Branch("a", ONE, pool="p")], Sequential(), pools=[Pool("p", 1)],
        arrivals=Trace(np.cumsum(gaps).tolist()),
    )  # fmt: skip
    waits = fast.run(alone, starts * each, 6).waits.reshape(starts, each)
    exact = {
        1: 0.444444, 2: 0.751715, 5: 1.357765, 10: 1.957081, 20: 2.622847, 50: 3.425343,
        100: 3.814251, 200: 3.971408,
    }  # fmt: skip
    for others, wait in exact.items():
        if others < each:
            assert_close([mean_of(waits[:, others])], wait)


def test_what_no_scenario_or_no_formula_says() -> None:
    with pytest.raises(
        ScenarioError, match=r"queue is 'ps', which is not known; use one of 'fifo'"
    ):
        Pool("p", 1, queue="ps")  # type: ignore[arg-type]
    answer = solve(walking_away(12, 2.0, 2.0))
    assert "copies have a formula where each branch has a pool of its own" in str(answer)


def test_a_wrong_number_is_found_and_so_are_too_few_requests() -> None:
    wrong = Row(one_queue(1, 0.5, ONE), {"mean": 2.1})
    with pytest.raises(AssertionError, match="mean"):
        assert_exact(wrong)
    with pytest.raises(AssertionError, match="mean"):
        assert_simulated(wrong, 50_000)
    with pytest.raises(AssertionError, match=r"p99\.9.*too few requests"):
        assert_simulated(Row(wrong.scenario, {"p99.9": 13.815511}), 5_000, seed=4)
    with pytest.raises(AssertionError, match=r"mean.*are too few for batches"):
        assert_simulated(Row(wrong.scenario, {"mean": 2}), 200)
