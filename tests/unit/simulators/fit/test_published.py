"""The published figures of gpuhedge, from its own log of rounds, by policies that are simulated.

The log is Apache-2.0 and no part of this repository; its figures are, in
`tests/unit/simulators/estimators/test_quantiles.py`, which is where they are written down.
"""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from simulators import fit, provenance
from simulators.estimators import quantile
from simulators.fit import Observations
from spectest.patterns.policies import EagerRace, Hedge, Policy, Sequential
from tests.unit.simulators.estimators.test_quantiles import CEREBRIUM, MODAL, RUNPOD

MAPPING: dict[str, Any] = {
    "unit": "s",
    "branches": ["runpod", "modal", "cerebrium"],
    "latency": "providers.{branch}.wall_s",
    "outcome": "providers.{branch}.state",
    "valid": "providers.{branch}.valid",
    "request": "round_id",
    "words": {"COMPLETED": "valid", "SUBMIT_FAILED": "failed"},
}
BESIDE = Path(__file__).parents[5] / "shared" / "data"
LOG = Path(os.environ.get("SPECTEST_DATA", BESIDE)) / "moss_rounds.jsonl"


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> Observations:
    """Rounds 19 to 54 in the form in which they were logged."""
    path = tmp_path_factory.mktemp("log") / "rounds.jsonl"
    columns = {"runpod": RUNPOD, "modal": MODAL, "cerebrium": CEREBRIUM}
    with path.open("w") as file:
        for place in range(36):
            providers = {
                name: {"state": "COMPLETED", "wall_s": column[place], "valid": True}
                for name, column in columns.items()
            }
            file.write(json.dumps({"round_id": 19 + place, "providers": providers}) + "\n")
    return fit.read(path, **MAPPING)


FIGURES: list[tuple[Sequence[str], Policy, float, float, int, int]] = [
    (["runpod"], Sequential(), 6.0, 116.6, 11, 0),
    (["modal"], Sequential(), 37.8, 83.0, 5, 0),
    (["cerebrium"], Sequential(), 19.2, 20.2, 1, 0),
    (["runpod", "cerebrium"], EagerRace(), 6.0, 19.4, 0, 36),
    (["runpod", "cerebrium"], Hedge(10.0), 6.0, 29.4, 0, 11),
    (["runpod", "modal"], Hedge(10.0), 6.0, 49.6, 1, 11),
]


@pytest.mark.parametrize("order, policy, p50, p95, over, launched", FIGURES)
def test_each_round_once_gives_the_published_figures(
    order: Sequence[str],
    policy: Policy,
    p50: float,
    p95: float,
    over: int,
    launched: int,
    rounds: Observations,
) -> None:
    replayed = fit.replay(fit.fit(rounds, policy, order=order, dependence="paired"))
    found = [round(quantile(replayed.latency, p, "nearest"), 1) for p in (0.5, 0.95)]
    assert found == [p50, p95]
    assert int((replayed.latency > 60).sum()) == over
    assert int((replayed.launches > 1).sum()) == launched
    assert "engine replay, seed 0, n 36" in str(provenance.of_requests(replayed))


@pytest.mark.skipif(
    not LOG.exists(), reason="the log of gpuhedge is not here; SPECTEST_DATA names its folder"
)
def test_the_log_itself_has_these_rounds(rounds: Observations) -> None:
    log = fit.read(LOG, **MAPPING, where={"round_id": (19, 54)})
    assert log.seconds.tolist() == rounds.seconds.tolist()
    assert log.outcomes.tolist() == rounds.outcomes.tolist()
    whole = fit.fit(fit.read(LOG, **MAPPING), EagerRace())
    assert whole.account.requests == 54
    assert whole.scenario.branches[2].failure == pytest.approx(1 / 54)
    assert whole.account.notes == (
        (
            "cerebrium: failures took 0 s in the median and answers 19.29 s; in the "
            "scenario a failure takes as long as an answer"
        ),
        "requests that are in no row because a branch failed: 1",
    )
