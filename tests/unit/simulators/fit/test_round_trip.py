"""A scenario, simulated, logged, read and fitted, is the scenario again."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulators import fast, files, fit
from simulators.fit import Fitted, Observations
from simulators.results import CANCELLED, NOT_LAUNCHED, VALID, Array, Requests
from simulators.scenario import Branch, Poisson, Scenario, Trace
from spectest.latency import GaussianCopula, Independent, Latency, LogNormal, PairedRows, Weibull
from spectest.patterns.policies import EagerRace, Hedge, WaitForAll
from tests.unit.simulators.fit.logs import WRITERS, spans

LLM, RULES = LogNormal(0.10, 0.8), Weibull(0.16, 1.4)
RACE = Scenario(
    [
        Branch("llm", LLM, valid=0.9, failure=0.05, timeout=0.6),
        Branch("rules", RULES, valid=0.8, failure=0.1),
    ],
    EagerRace(),
    arrivals=Poisson(20.0),
)
N = 4_000


@pytest.fixture(scope="module")
def raced() -> Requests:
    return fast.run(RACE, N, seed=11)


def logged(requests: Requests, form: str, folder: Path) -> Observations:
    name, write = WRITERS[form]
    mapping = write(requests, folder / name)
    return fit.read(folder / name, **mapping)


def spread(seconds: Array, ended: Array, p: float) -> float:
    """Greenwood's standard error of the product-limit estimate at its p-quantile."""
    order = np.lexsort((~ended, seconds))
    at_risk = len(seconds) - np.arange(len(seconds))
    after = np.cumprod(np.where(ended[order], 1 - 1 / at_risk, 1.0))
    there = (after >= 1 - p) & ended[order] & (at_risk > 1)
    return float((1 - p) * np.sqrt((1 / (at_risk[there] * (at_risk[there] - 1.0))).sum()))


def errors(latency: Latency, found: Latency, sd: dict[float, float]) -> dict[float, float]:
    """By how many standard errors the quantiles of a fit are not those of the truth."""
    return {p: (1 - latency.sf(found.quantile(p)) - p) / sd[p] for p in sd}


def columns(requests: Requests, index: int) -> tuple[Array, Array]:
    """Seconds and whether they are latencies: what is in the log of a branch, without failures."""
    outcome, work = requests.outcome[:, index], requests.work[:, index]
    return work[outcome != 3], np.isin(outcome[outcome != 3], (1, 2))


@pytest.mark.parametrize("form", WRITERS)
def test_every_format_says_the_same(form: str, raced: Requests, tmp_path: Path) -> None:
    log = logged(raced, form, tmp_path)
    order = np.argsort(log.start) if form == "long csv" else np.arange(N)
    assert log.branches == ("llm", "rules")
    assert np.array_equal(log.outcomes[order], raced.outcome)
    assert np.allclose(log.seconds[order], raced.work, atol=2e-9, rtol=0)
    assert np.allclose(log.launched[order], raced.launched, atol=1e-6)
    if form != "records":
        start = log.start[order]
        assert np.allclose(start - start[0], raced.arrival - raced.arrival[0], atol=1e-6)
    assert (log.dropped, log.requests) == ((), N)
    assert log.read == {"long csv": 2 * N, "otlp": 3 * N}.get(form, N)


def test_quantiles_probabilities_and_the_timeout_are_found_again(
    raced: Requests, tmp_path: Path
) -> None:
    fitted = fit.fit(logged(raced, "records", tmp_path), upto=0.9, arrivals=RACE.arrivals)
    assert fitted.scenario.policy == EagerRace()
    assert fitted.scenario.decision == RACE.decision
    assert isinstance(fitted.scenario.dependence, Independent)
    for index, (true, found) in enumerate(
        zip(RACE.branches, fitted.scenario.branches, strict=True)
    ):
        seconds, ended = columns(raced, index)
        sd = {p: spread(seconds, ended, p) for p in (0.1, 0.25, 0.5, 0.75, 0.9)}
        assert max(map(abs, errors(true.service, found.service, sd).values())) < 4
        n = int(np.isin(raced.outcome[:, index], (1, 2, 3)).sum())
        for field in ("valid", "failure"):
            p = getattr(true, field)
            assert abs(getattr(found, field) - p) < 4 * np.sqrt(p * (1 - p) / (0.9 * n))
    assert fitted.scenario.branches[0].timeout == pytest.approx(0.6)
    assert fitted.scenario.branches[1].timeout is None
    assert fitted.scenario.branches[1].lingers == pytest.approx(0.007)


def test_dropping_cancelled_losers_would_find_a_branch_much_faster(raced: Requests) -> None:
    """The median of what ended of rules is its true quantile 0.30: 19 standard errors away."""
    seconds, ended = columns(raced, 1)
    naive = float(np.median(seconds[ended]))
    assert 1 - RULES.sf(naive) < 0.32
    assert (1 - RULES.sf(naive) - 0.5) / spread(seconds, ended, 0.5) < -15


@pytest.mark.parametrize("model", [{"llm": "LogNormal", "rules": "Weibull"}, "Exponential"])
def test_a_model_is_fitted_to_what_was_cut_off(model: Any, raced: Requests, tmp_path: Path) -> None:
    fitted = fit.fit(logged(raced, "otlp", tmp_path), EagerRace(), model=model)
    right = model != "Exponential"
    for true, found, said in zip(
        (LLM, RULES), fitted.scenario.branches, fitted.account.branches, strict=True
    ):
        assert type(found.service).__name__ == said.model
        assert said.distance is not None
        assert (said.distance < 0.05) == right
        assert said.usual is None
        if right:
            assert found.service.quantile(0.5) == pytest.approx(true.quantile(0.5), rel=0.05)


def test_rows_keep_what_branches_have_in_common(tmp_path: Path) -> None:
    race = Scenario(
        [Branch("llm", LLM), Branch("rules", RULES)],
        EagerRace(),
        decision=WaitForAll(),
        dependence=GaussianCopula(0.8),
        arrivals=Poisson(5.0),
    )
    log = logged(fast.run(race, N, seed=2), "wide csv", tmp_path)
    fitted = fit.fit(log, EagerRace(), arrivals="trace")
    assert isinstance(fitted.scenario.dependence, PairedRows)
    assert fitted.account.notes == ()
    assert isinstance(fitted.scenario.arrivals, Trace)
    assert fitted.scenario.arrivals.mean_rate == pytest.approx(5.0, rel=4 / np.sqrt(N))

    alone = fit.fit(log, EagerRace(), dependence="independent", arrivals="poisson")
    assert isinstance(alone.scenario.arrivals, Poisson)
    truth = Scenario(race.branches, EagerRace(), dependence=race.dependence)
    wanted = np.sort(fast.run(truth, 40_000, seed=5).latency)
    for found, near in ((fitted, True), (alone, False)):
        late = fast.run(found.scenario, 3_000, seed=6).latency
        share = float(np.searchsorted(wanted, np.quantile(late, 0.9)) / len(wanted))
        assert (abs(share - 0.9) < 4 * np.sqrt(0.09 * (1 / N + 1 / 3_000))) == near
    noted = fit.fit(log, EagerRace(), model="LogNormal").account.notes
    assert [note for note in noted if "rank correlation of llm and rules is 0.7" in note]


def test_a_hedge_tells_of_its_backup_only_when_it_was_launched(tmp_path: Path) -> None:
    hedge = Scenario([Branch("llm", LLM), Branch("backup", LLM)], Hedge(0.15))
    requests = fast.run(hedge, N, seed=4)
    fitted = fit.fit(logged(requests, "records", tmp_path), upto=0.5)
    assert fitted.scenario.policy == Hedge(0.15)
    backup = fitted.account.branches[1]
    assert backup.attempts == int((requests.outcome[:, 1] != NOT_LAUNCHED).sum()) < N / 2
    assert backup.cancelled == int((requests.outcome[:, 1] == CANCELLED).sum())
    launched = requests.outcome[:, 1] != NOT_LAUNCHED
    seconds, ended = requests.work[launched, 1], requests.outcome[launched, 1] == VALID
    sd = {p: spread(seconds, ended, p) for p in (0.1, 0.3, 0.5)}
    found = fitted.scenario.branches[1].service
    assert max(map(abs, errors(LLM, found, sd).values())) < 4


def test_losers_whose_spans_do_not_say_that_they_were_cancelled(tmp_path: Path) -> None:
    """Spans of coroutines end without an error where they are cancelled."""
    plain = Scenario([Branch("llm", LLM), Branch("rules", RULES)], EagerRace())
    requests = fast.run(plain, N, seed=4)
    path = tmp_path / "spans.json"
    spans(requests, path, leaving_ns=200_000)
    path.write_text(path.read_text().replace('"code": 2', '"code": 0'))
    log = fit.read(path)
    assert (log.outcomes == VALID).all()
    (note,) = log.notes
    assert note == (
        f"in {N:,} of {N:,} requests with two answers the second came within 1 ms of the first: if "
        "losers are cancelled there, use losers='cancelled'"
    )
    log = fit.read(path, losers="cancelled")
    assert np.array_equal(log.outcomes, requests.outcome)
    assert np.allclose(log.seconds, requests.work, atol=1e-6)
    assert log.notes == ()


def test_a_fitted_scenario_goes_through_a_file(raced: Requests, tmp_path: Path) -> None:
    fitted = fit.fit(logged(raced, "jsonl", tmp_path), EagerRace(), upto=0.9, most=50)
    for name in ("fitted.toml", "fitted.json"):
        files.write(fitted.scenario, tmp_path / name)
        again = files.read(tmp_path / name)
        assert again == fitted.scenario
        assert again.hash == fitted.scenario.hash
    assert summed(fitted)


def summed(fitted: Fitted) -> bool:
    """Whether every row of the log is used or has a reason."""
    account = fitted.account
    return account.read == account.used + sum(one.count for one in account.dropped)
