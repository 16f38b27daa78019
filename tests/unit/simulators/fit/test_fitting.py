"""What is made of observations: timeouts, what is not known, rows, accounts and refusals."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators import fit
from simulators.fit import Observations
from simulators.fit.observations import Gathering
from simulators.results import OUTCOMES
from simulators.scenario import Closed, Limiter, Poisson, Pool, Scenario, ScenarioError, Trace
from spectest.latency import Empirical, GaussianCopula, Independent, PairedRows
from spectest.patterns.policies import EagerRace, Hedge, Sequential


def log_of(*rows: str, start: bool = False) -> Observations:
    """Rows such as "3 valid, 3 cancelled": seconds and outcome, for branches a, b, c."""
    gathering = Gathering("x.csv", "csv")
    for number, row in enumerate(rows):
        request = gathering.request(start=100 + number / 2 if start else math.nan)
        gathering.tally.read += 1
        for name, cell in zip("abc", row.split(", "), strict=False):
            seconds, _, outcome = cell.partition(" ")
            code = OUTCOMES.index(outcome or "valid")
            gathering.attempt(request, name, code, number + 2, float(seconds))
    return gathering.observations()


def branch_of(log: Observations, **options: Any) -> Any:
    return fit.fit(log, Sequential(), **options).scenario.branches[0]


def test_measured_values_are_kept_as_they_are() -> None:
    found = branch_of(log_of("3", "1", "2", "2"))
    assert found.latency == Empirical([1, 2, 2, 3])
    assert (found.valid, found.failure, found.timeout) == (1.0, 0.0, None)


def test_what_was_cut_off_moves_its_weight_to_what_lasted_longer() -> None:
    found = branch_of(log_of("1", "2 cancelled", "3", "4"))
    assert found.latency == Empirical([1, 3, 3, 4])  # 1/4, 3/8, 3/8 at (i + 1/2)/4


def test_failures_say_nothing_of_latencies_and_some_of_what_was_cut_off_had_failed() -> None:
    rows = ["1", *["5 failed"] * 4, *["2 cancelled"] * 4, "3 invalid"]
    fitted = fit.fit(log_of(*rows), Sequential())
    (branch,), (account,) = fitted.scenario.branches, fitted.account.branches
    assert (branch.failure, branch.valid) == (4 / 6, 1 / 2)
    assert (account.attempts, account.answered, account.invalid, account.failed) == (10, 2, 1, 4)
    # 1 is one of 1 + 4/3 + 1 attempts that would have answered: of three values one.
    assert branch.latency == Empirical([1, 3, 3])
    assert fitted.account.notes == (
        (
            "a: failures took 5 s in the median and answers 2 s; in the scenario a failure "
            "takes as long as an answer"
        ),
    )


def test_what_takes_longer_than_the_timeout_is_known_well_enough() -> None:
    rows = ["1", "2", "3 timed out", "3.01 timed out"]
    fitted = fit.fit(log_of(*rows), Sequential())
    (branch,) = fitted.scenario.branches
    assert branch.timeout == 3.0
    assert branch.latency == Empirical([1, 2, 3.01, 3.01])
    assert fitted.account.branches[0].known_to == 0.5
    (note,) = fitted.account.notes
    assert note.startswith("a: 50 % take longer than the timeout, and how much longer is not known")
    (branch,) = fit.fit(log_of("1", "2", "3 timed out"), Sequential()).scenario.branches
    assert branch.latency == Empirical([1, 2, math.nextafter(3.0, 4.0)])


def test_timeouts_that_vary_have_to_be_said() -> None:
    log = log_of("1", "2", "1.5 timed out", "3 timed out")
    with pytest.raises(ScenarioError) as caught:
        fit.fit(log, Sequential())
    assert str(caught.value) == (
        "the timeout of 'a' is 1.5, which is not that of all: the longest is 3 s, answers "
        "that took longer: 1; use timeouts={'a': seconds}, or None for no timeout"
    )
    assert branch_of(log, timeouts={"a": 3.0}).timeout == 3.0
    found = branch_of(log, timeouts={"a": None}, upto=0.5)
    assert found.timeout is None
    assert found.latency.support == (1.0, 3.0)


def test_a_few_answers_after_a_timeout_are_a_note() -> None:
    rows = ["1"] * 150 + ["3"] + ["2 timed out"]
    fitted = fit.fit(log_of(*rows), Sequential())
    assert fitted.account.notes[0] == "a: answers that took longer than the shortest timeout: 1"
    assert fitted.scenario.branches[0].timeout == 2.0


def test_what_is_not_known_is_refused_or_said() -> None:
    log = log_of("1", "2", "3 cancelled", "4 cancelled")
    with pytest.raises(ScenarioError) as caught:
        fit.fit(log, Sequential())
    assert str(caught.value) == (
        "the quantile up to which the latency of 'a' is known is 0.5, which is less "
        "than 0.99: 2 of 4 attempts were cut off; use a log in which more of them end, "
        "model='LogNormal' or another, or upto=0.5: the rest takes the longest time"
    )
    fitted = fit.fit(log, Sequential(), upto=0.5)
    assert fitted.scenario.branches[0].latency == Empirical([1, 2, 4, 4])
    assert fitted.account.notes == (
        (
            "a: beyond the quantile 0.5 the log tells no latency; the rest stands at the "
            "longest time, 4 s: too short"
        ),
    )
    assert fit.fit(log, Sequential(), model="Exponential").scenario.branches[0].service.mean == 5.0


def test_rows_are_kept_where_all_branches_ended() -> None:
    log = log_of("1, 2", "3, 4", "5, 1 failed", "2, 2")
    fitted = fit.fit(log, EagerRace())
    rows = fitted.scenario.dependence
    assert rows == PairedRows([{"a": 1, "b": 2}, {"a": 3, "b": 4}, {"a": 2, "b": 2}])
    assert fitted.scenario.branches[1].latency == Empirical([2, 4, 2])
    assert "requests that are in no row because a branch failed: 1" in fitted.account.notes
    cut = fit.fit(log_of("1, 2", "3, 1 cancelled", "2, 2", "0, 9"), EagerRace())
    assert isinstance(cut.scenario.dependence, Independent)
    with pytest.raises(ScenarioError) as caught:
        fit.fit(log_of("1, 2", "3, 1 cancelled"), EagerRace(), dependence="paired")
    assert str(caught.value) == (
        "dependence is 'paired', which needs requests in which all branches ended, and "
        "1 have one cut off; use dependence='independent'"
    )


def test_a_row_may_have_a_timeout() -> None:
    fitted = fit.fit(log_of("1, 2", "3, 4 timed out", "4, 4 timed out"), EagerRace())
    late = math.nextafter(4.0, 5.0)
    assert fitted.scenario.dependence == PairedRows(
        [{"a": 1, "b": 2}, {"a": 3, "b": late}, {"a": 4, "b": late}]
    )
    assert fitted.scenario.branches[1].timeout == 4.0


def test_many_missing_branches_make_no_rows_and_few_do() -> None:
    few = log_of(*["1, 2"] * 199, "1, 0 not launched")
    fitted = fit.fit(few, EagerRace())
    assert isinstance(fitted.scenario.dependence, PairedRows)
    assert fitted.account.notes == (
        "requests that are in no row because a branch was not launched: 1",
    )
    many = fit.fit(log_of(*["1, 2"] * 9, "1, 0 not launched"), EagerRace())
    assert isinstance(many.scenario.dependence, Independent)


def test_of_many_rows_some_are_kept_evenly() -> None:
    fitted = fit.fit(log_of(*(f"{n}, {n}" for n in range(10))), EagerRace(), most=4)
    rows: Any = fitted.scenario.dependence.rows
    assert [row[0][1] for row in rows] == [0, 2, 5, 7]
    assert fitted.account.notes == ("of 10 rows 4 are kept, evenly spaced",)


def test_what_the_caller_knows_better_is_taken() -> None:
    fitted = fit.fit(
        log_of("1, 2", "3, 4", start=True),
        Hedge(1.0),
        arrivals="poisson",
        dependence=GaussianCopula(0.5),
        branches={"a": {"pool": "gpu", "valid": 0.5}},
        pools=[Pool("gpu", 9)],
        limiter=Limiter("drop"),
        order=["b", "a"],
    )
    scenario = fitted.scenario
    assert scenario.arrivals == Poisson(2.0)
    assert scenario.dependence == GaussianCopula(0.5)
    assert [branch.name for branch in scenario.racing] == ["b", "a"]
    assert (scenario.racing[1].pool, scenario.racing[1].valid) == ("gpu", 0.5)
    trace = fit.fit(log_of("1", "1", "1", start=True), Sequential(), arrivals="trace")
    assert trace.scenario.arrivals == Trace([0.0, 0.5, 1.0])
    closed = fit.fit(log_of("1"), Sequential(), arrivals=Closed(2, 1.0)).scenario
    assert isinstance(closed, Scenario)


def test_arrivals_that_are_no_poisson_process_are_told() -> None:
    fitted = fit.fit(log_of(*["1"] * 9, start=True), Sequential(), arrivals="poisson")
    assert fitted.account.notes == (
        "gaps between arrivals have the coefficient of variation 0.00; Poisson has 1",
    )


@pytest.mark.parametrize(
    "options, complaint",
    [
        ({}, "policy is None, which is not in the log; use one such as policy=Hedge(0.05)"),
        (
            {"arrivals": "trace"},
            "arrivals is 'trace', which is not in the log, which tells no moments",
        ),
        (
            {"arrivals": "poison"},
            "arrivals is 'poison', which is not known; use one of 'trace', 'poi",
        ),
        (
            {"dependence": "pared"},
            "dependence is 'pared', which is not known; use one of 'paired', '",
        ),
        (
            {"dependence": "paired", "model": "LogNormal"},
            "dependence is 'paired', which has measured rows, and no model; use model=None, or",
        ),
        (
            {"model": "Gamma"},
            "model of 'a' is 'Gamma', which is no model of a latency; use one of 'E",
        ),
        (
            {"model": {"c": "LogNormal"}},
            "model['c'] is 'LogNormal', which is of no branch of the log",
        ),
        (
            {"timeouts": {"c": 1}},
            "timeouts['c'] is 1, which is of no branch of the log; use one of",
        ),
        (
            {"timeouts": {"a": -1}},
            "timeouts['a'] is -1, which is not above 0; use a positive number",
        ),
        (
            {"branches": {"a": {"name": "x"}}},
            "branches['a'].name is 'x', which is no field; use one",
        ),
        (
            {"branches": {"a": {"pol": "x"}}},
            "branches['a'].pol is 'x', which is no field; did you me",
        ),
        ({"order": ["a", "c"]}, "order is 'c', which is no branch of the log; use one of 'a', 'b'"),
        ({"pool": ()}, "pool is (), which is no field; did you mean 'pools'?"),
        ({"upto": 99}, "upto is 99, which is no probability; use a number from 0 to 1"),
        ({"most": 0}, "most is 0, which is no number of rows; use an integer, 1 or more"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], complaint: str) -> None:
    given = {"policy": EagerRace(), **options} if options else {}
    log = log_of("1, 2", "3, 4 cancelled", "2, 5")
    with pytest.raises(ScenarioError) as caught:
        fit.fit(log, **given)
    assert str(caught.value).startswith(complaint)


def test_a_branch_that_never_answered_is_refused() -> None:
    with pytest.raises(ScenarioError) as caught:
        fit.fit(log_of("1, 2 failed", "3, 4 cancelled"), EagerRace())
    assert str(caught.value) == (
        "a branch is 'b', which is in the log without an answer, in 2 attempts; use a "
        "log in which it answers, or leave it out with order=[...]"
    )
    assert len(fit.fit(log_of("1, 2 failed"), EagerRace(), order=["a"]).scenario.branches) == 1


def test_an_account_adds_up_and_is_plain_data(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("id,a\n1,100\n2,200\n2,300\n3,-1\n")
    log = fit.read(path, unit="ms", branches=["a"], request="id", malformed="dropped")
    account = fit.fit(log, Sequential(), model="Exponential").account
    assert (account.read, account.used, account.requests) == (4, 2, 2)
    assert json.loads(json.dumps(account.to_data()))["dropped"] == [
        {"reason": "id stands there before", "count": 1, "first_line": 4},
        {
            "reason": "malformed: a is no duration, 0 or more and finite",
            "count": 1,
            "first_line": 5,
        },
    ]
    assert str(account) == (
        "x.csv (csv): 4 rows read, 2 used, 2 requests\n"
        "dropped: 1, id stands there before, first in line 4\n"
        "dropped: 1, malformed: a is no duration, 0 or more and finite, first in line 5\n"
        "a: 2 attempts, 2 answered, latency known to the quantile 1 (1 lasted to p99), "
        "Exponential, at most\n"
        "  0.487 away from what was measured (Kolmogorov-Smirnov; up to 0.960 is usual)\n"
        "not in a log, to be added where they matter: pools, costs, a limiter"
    )


def test_moments_that_nobody_asked_for_are_noted(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("a,when\n100,0\n200,1\n")
    log = fit.read(path, unit="ms", branches=["a"], start="when", start_unit="s")
    notes = [fit.fit(log, Sequential(), arrivals=one).account.notes for one in (None, "trace")]
    assert [len(one) for one in notes] == [1, 0]
    assert "that is not used" in notes[0][0]


def test_a_log_without_rows_cannot_be_replayed() -> None:
    with pytest.raises(
        ScenarioError, match=r"^dependence is .*, which has no rows to replay; use a log"
    ):
        fit.replay(fit.fit(log_of("1", "2"), Sequential()))


def test_histograms_are_measured_apart(tmp_path: Path) -> None:
    source = Path(__file__).parents[2] / "latency" / "data" / "sample.hlog"
    path = tmp_path / "x.hlog"
    lines = source.read_text().splitlines()
    path.write_text(
        "\n".join([*lines[:3], *(f"Tag={n % 2},{line}" for n, line in enumerate(lines[3:]))])
    )
    log = fit.read(path, unit="us", branches={"llm": "0", "rules": "1"})
    fitted = fit.fit(log, EagerRace(), most=500)
    assert [one.attempts for one in fitted.account.branches] == [1002, 501]
    assert fitted.account.notes == ("the scenario takes the branches as independent",)
    whole = Empirical.from_hdr(path, unit="us", tag="0")
    found = fitted.scenario.branches[0].service
    assert np.allclose(
        [found.quantile(p) for p in (0.25, 0.5, 0.9)],
        [whole.quantile(p) for p in (0.25, 0.5, 0.9)],
        rtol=0.01,
    )
