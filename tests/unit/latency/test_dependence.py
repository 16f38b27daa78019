import math
from pathlib import Path
from statistics import correlation

import pytest

from spectest.errors import UsageError
from spectest.latency import (
    CommonShock,
    Constant,
    Dependence,
    Draws,
    Empirical,
    Exponential,
    GaussianCopula,
    Independent,
    LogNormal,
    PairedRows,
)

DRAWS = Draws(11)
FAST, SLOW = LogNormal(0.03, sigma=0.5), Exponential(0.2)
REQUESTS = range(4000)
ROWS = [{"fast": 0.01, "slow": 0.1}, {"fast": 0.02, "slow": 0.4}, {"fast": 0.03, "slow": 0.2}]


def drawn(dependence: Dependence, branch: str, attempt: int = 1) -> list[float]:
    latency = {"fast": FAST, "slow": SLOW}[branch]
    return [dependence.draw(DRAWS, n, branch, latency, attempt) for n in REQUESTS]


@pytest.mark.parametrize(
    "dependence",
    [Independent(), CommonShock(0.1, factor=3.0), GaussianCopula(0.5), PairedRows(ROWS)],
    ids=repr,
)
def test_a_dependence_is_data_and_its_order_does_not_matter(dependence: Dependence) -> None:
    assert eval(repr(dependence)) == dependence
    fast, slow = drawn(dependence, "fast"), drawn(dependence, "slow")
    assert drawn(dependence, "fast") == fast
    assert dependence.draw(DRAWS, 17, "slow", SLOW) == slow[17]


def test_independent_branches() -> None:
    assert abs(correlation(drawn(Independent(), "fast"), drawn(Independent(), "slow"))) < 0.06
    assert drawn(Independent(), "fast")[5] == FAST.quantile(DRAWS.uniform(5, "fast"))
    assert drawn(Independent(), "fast", 2)[5] == FAST.quantile(DRAWS.uniform(5, "fast", 2))


def test_a_shock_hits_all_branches_and_attempts_of_a_request() -> None:
    shocked = CommonShock(0.2, factor=3.0)
    hits = [
        {n for n, (x, usual) in enumerate(zip(shocks, usuals, strict=True)) if x == usual * 3.0}
        for branch, attempt in (("fast", 1), ("slow", 1), ("fast", 2))
        for shocks in [drawn(shocked, branch, attempt)]
        for usuals in [drawn(Independent(), branch, attempt)]
    ]
    assert hits[0] == hits[1] == hits[2]
    assert len(hits[0]) == pytest.approx(800, abs=4 * math.sqrt(4000 * 0.2 * 0.8))


def test_a_shock_adds_the_same_to_all_branches() -> None:
    shocked = CommonShock(1.0, extra=Exponential(1.0))
    fast = [
        x - y for x, y in zip(drawn(shocked, "fast"), drawn(Independent(), "fast"), strict=True)
    ]
    slow = [
        x - y for x, y in zip(drawn(shocked, "slow"), drawn(Independent(), "slow"), strict=True)
    ]
    assert fast == pytest.approx(slow, abs=1e-12)
    assert math.fsum(fast) / len(fast) == pytest.approx(1.0, abs=4 / math.sqrt(4000))


def test_no_shock_and_always_a_shock() -> None:
    assert drawn(CommonShock(0.0, factor=9.0), "fast") == drawn(Independent(), "fast")
    always = CommonShock(1.0, extra=0.5)
    assert always.extra == Constant(0.5)
    assert min(drawn(always, "fast")) >= 0.5


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.5, 0.9, 1.0])
def test_a_copula_keeps_each_distribution_and_correlates_normal_scores(rho: float) -> None:
    copula = GaussianCopula(rho)
    fast, slow = drawn(copula, "fast"), drawn(copula, "slow")
    for latency, column in ((FAST, fast), (SLOW, slow)):
        levels = sorted(1 - latency.sf(x) for x in column)
        distance = max(abs((place + 0.5) / 4000 - u) for place, u in enumerate(levels))
        assert distance < 1.95 / math.sqrt(4000)
    scores = [math.log(x) for x in fast]
    lognormal = LogNormal(1.0, sigma=1.0)
    others = [math.log(copula.draw(DRAWS, n, "other", lognormal)) for n in REQUESTS]
    assert correlation(scores, others) == pytest.approx(rho, abs=0.06)


def test_the_ends_of_a_copula_are_exact() -> None:
    assert drawn(GaussianCopula(0.0), "fast") == drawn(Independent(), "fast")
    together = GaussianCopula(1.0)
    assert [together.draw(DRAWS, n, "a", FAST) for n in REQUESTS] == drawn(together, "fast")


def test_attempts_of_a_branch_are_as_correlated_as_branches() -> None:
    copula = GaussianCopula(0.5)
    first, second = ([math.log(x) for x in drawn(copula, "fast", n)] for n in (1, 2))
    assert correlation(first, second) == pytest.approx(0.5, abs=0.06)


def test_a_row_serves_all_branches_of_a_request() -> None:
    paired = PairedRows(ROWS)
    pairs = set(zip(drawn(paired, "fast"), drawn(paired, "slow"), strict=True))
    assert pairs == {(row["fast"], row["slow"]) for row in ROWS}
    again = set(zip(drawn(paired, "fast", 1), drawn(paired, "fast", 2), strict=True))
    assert len(again) == 9
    assert paired.latency("slow") == Empirical([0.1, 0.4, 0.2])


def test_a_branch_without_a_column_is_refused() -> None:
    with pytest.raises(
        UsageError, match="branch='other' is not in the rows; use one of fast, slow"
    ):
        PairedRows(ROWS).draw(DRAWS, 1, "other", FAST)


def test_rows_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_text("id,fast,slow (ms)\n1,10,100\n2,20,400\n")
    rows = PairedRows.from_csv(path, {"fast": "fast", "slow": "slow (ms)"}, unit="ms")
    assert rows == PairedRows(ROWS[:2])
    assert PairedRows.from_csv(path, ["fast"], unit="ms") == PairedRows(
        [{"fast": 0.01}, {"fast": 0.02}]
    )
    with pytest.raises(UsageError, match="columns='fast' is no list"):
        PairedRows.from_csv(path, "fast")
