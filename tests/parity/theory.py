"""Tables of theory: what is exact about a scenario, and whether both kinds of engine say it.

A row has a scenario and its numbers, to the digits printed. The exact engine has to say each of
them, or a formula of `simulators.exact` has to. The fast engine has to come within four standard
errors, which are those of `simulators.estimators`: where an interval is refused the row fails, and
has to be simulated in several runs, which are independent of each other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from simulators import fast
from simulators.estimators import cut, of_replications
from simulators.estimators.influence import Statistic, mean_of
from simulators.estimators.intervals import spread_of
from simulators.estimators.measures import percentile, statistic
from simulators.estimators.tables import student
from simulators.exact import Solution, solve
from simulators.results import Array, Requests
from simulators.scenario import Branch, Poisson, Pool, Scenario
from spectest.latency import Latency
from spectest.patterns.policies import Decision, EagerRace, FirstValid, Policy, Sequential

ORDINARY, SOAK = 200_000, 1_000_000


@dataclass(frozen=True)
class Row:
    """`numbers`: by measure, those of `simulators.estimators` and of `observed`. A float is rounded
    to `digits`; an integer or a fraction is exact.

    `formulas`: those numbers which `solve` does not give. `quick`: simulated in the ordinary run,
    too. `runs`: into how many the requests are divided. `share`: of the usual number of requests,
    where they take long.
    """

    scenario: Scenario
    numbers: Mapping[str, float | Fraction]
    formulas: Mapping[str, float] = field(default_factory=dict)
    digits: int = 6
    quick: bool = False
    runs: int = 1
    share: float = 1.0


Table = Mapping[str, Row]
sizes = pytest.mark.parametrize("n", [ORDINARY, pytest.param(SOAK, marks=pytest.mark.soak)])


def exactly(table: Table) -> Any:
    """All rows, for `assert_exact`."""
    return pytest.mark.parametrize("row", table.values(), ids=list(table))


def simulated(table: Table) -> Any:
    """The quick rows, and in the soak all of them with more requests; for `assert_simulated`."""
    cases = [pytest.param(row, ORDINARY, id=name) for name, row in table.items() if row.quick]
    cases += [
        pytest.param(row, SOAK, id=f"{name}, {SOAK} requests", marks=pytest.mark.soak)
        for name, row in table.items()
    ]
    return pytest.mark.parametrize("row, n", cases)


def one_queue(servers: int, rate: float, latency: Any, patience: float | None = None) -> Scenario:
    """One branch, one pool, Poisson arrivals."""
    return Scenario(
        [Branch("a", latency, pool="p")],
        Sequential(),
        pools=[Pool("p", servers, acquire_timeout=patience)],
        arrivals=Poisson(rate),
    )


def race(
    latencies: Sequence[Latency],
    policy: Policy | None = None,
    decision: Decision | None = None,
    dependence: Any = None,
    **fields: Any,
) -> Scenario:
    """Branches of these latencies that share nothing; by default the first answer wins."""
    branches = [Branch(f"b{place}", law, **fields) for place, law in enumerate(latencies)]
    more = {} if dependence is None else {"dependence": dependence}
    return Scenario(branches, policy or EagerRace(), decision or FirstValid(), **more)


def assert_exact(row: Row) -> None:
    """Each number is what an exact engine says, to the digits of the table."""
    answer = solve(row.scenario)
    said = {**(answer.measures if isinstance(answer, Solution) else {}), **row.formulas}
    for measure, number in row.numbers.items():
        within = 0.51 * 10**-row.digits if isinstance(number, float) else 1e-9
        assert said[measure] == pytest.approx(float(number), abs=within), measure


def assert_simulated(row: Row, n: int, seed: int = 1) -> None:
    """Each number is what `n` requests of the fast engine say, within four standard errors."""
    each = int(n * row.share / row.runs)
    runs = [fast.run(row.scenario, each, seed + number) for number in range(row.runs)]
    if row.scenario.shares:
        runs = [cut(run, each // 10) for run in runs]
    for measure, printed in row.numbers.items():
        number = float(printed)
        found = [observed(run, measure, number) for run in runs]
        # How many exceed a percentile needs no density of the law, as its own value would.
        p = percentile(measure.removeprefix("wait "))
        queued = row.scenario.shares
        assert_close(found, number if p is None else 1 - p, queued=queued, what=measure)


def assert_close(
    found: Sequence[Statistic], exact: float, *, queued: bool = False, what: str = ""
) -> None:
    """The mean over the runs is `exact`, within four standard errors that say something."""
    if len(found) > 1:
        estimate = of_replications([one.value for one in found])
        error, value = estimate.half_width / student(0.95, len(found) - 1), estimate.value
    else:
        spread = spread_of(found[0].influence, queued=queued)
        assert spread.refused is None, (what, spread.refused)
        error, value = spread.error, found[0].value
    assert abs(value - exact) <= 4 * error + 1e-12, (what, value, exact, error)
    assert error < abs(exact) / 2, (what, "too few requests to say anything")


def observed(requests: Requests, measure: str, number: float) -> Statistic:
    """A measure; of a percentile, the share of those who take longer than `number`.

    `wait`, `wait squared`, `wait p99`: of the first branch, until it is served or its request is
    over. `waits`: the share of those who wait at all; `left`: of those whose first branch is never
    served. `won by 1`: the share of requests that branch 1 answers.
    """
    if measure.startswith("won by "):
        return mean_of(requests.winner == int(measure.removeprefix("won by ")))
    if measure == "left":
        return mean_of(np.isnan(requests.began[:, 0]))
    wait = waited(requests)
    if (p := measure.removeprefix("wait ")) != measure and percentile(p) is not None:
        return mean_of(wait > number)
    if percentile(measure) is not None:
        return mean_of(requests.latency > number, requests.answered)
    of_waits = {"wait": wait, "wait squared": wait**2, "waits": wait > 0}
    if measure in of_waits:
        return mean_of(of_waits[measure])
    return statistic(requests, measure)


def waited(requests: Requests) -> Array:
    """Seconds that each request waited for a server of its first branch."""
    ends = np.where(np.isnan(requests.began[:, 0]), requests.latency, requests.began[:, 0])
    wait: Array = ends - np.nan_to_num(requests.launched[:, 0])
    return wait
