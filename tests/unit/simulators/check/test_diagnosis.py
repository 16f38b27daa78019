"""Variants planted in the engine itself: which is which, and what is said if none is."""

import dataclasses
from typing import Any

import numpy as np
import pytest

from simulators import check, events, fast
from simulators.check.diagnosis import Diagnosis
from simulators.check.lattice import variants_of
from simulators.check.semantics import Semantics, run
from simulators.check.variants import Variant, combined
from simulators.errors import ScenarioError
from simulators.results import Requests
from simulators.scenario import Branch, Closed, Limiter, Poisson, Pool, Scenario
from spectest.latency import LogNormal
from spectest.patterns.policies import EagerRace, Hedge
from tests.parity.simulated import SCENARIOS

LAW = LogNormal(1.0, 1.0)
FIELDS: dict[str, Any] = {"pool": "gpu", "timeout": 6.0, "valid": 0.9, "failure": 0.1}
HEDGED = Scenario(
    [Branch("a", LAW, **FIELDS), Branch("b", LAW, **FIELDS)],
    Hedge(2.0),
    limiter=Limiter("drop", capacity=6),
    pools=[Pool("gpu", 4)],
    arrivals=Poisson(1.4),
)


def planted(*variants: Variant, semantics: Semantics | None = None) -> check.Code:
    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        bent = combined(variants, scenario)
        assert bent is not None
        return run(bent[0], semantics or bent[1], n, seed)

    return code


def explained(
    scenario: Scenario, code: check.Code, n: int = 150, effort: int = 200_000
) -> Diagnosis:
    report = check.code(scenario, code, n, [3, 4], ticks=False, effort=effort)
    assert report.explanation is not None
    return report.explanation


def single(name: str, scenario: Scenario = HEDGED) -> Variant:
    observed = fast.run(scenario, 10, 0)
    return next(one for one in variants_of(scenario, observed) if one.name == name)


def assert_named(scenario: Scenario, variant: Variant, n: int) -> bool:
    """Whether the variant differs from the scenario at all."""
    code = planted(variant)
    report = check.code(scenario, code, n, [3, 4], ticks=False)
    if report.explanation is not None:
        assert (variant.name,) in report.explanation.matches, report
    return not report.agrees


@pytest.mark.soak
@pytest.mark.parametrize("name", SCENARIOS)
def test_each_variant_of_each_scenario_is_named(name: str) -> None:
    scenario = dataclasses.replace(SCENARIOS[name], overload="allowed")
    variants = variants_of(scenario, fast.run(scenario, 300, 3))
    differing = [variant for variant in variants if assert_named(scenario, variant, 300)]
    assert differing


@pytest.mark.parametrize(
    "name",
    [
        "loser 'b' not cancelled",
        "who times out is not cancelled",
        "hedges sleep through their delay on a server",
        "a failure launches no hedge",
        "pool 'gpu' has 3 servers",
    ],
)
def test_a_variant_is_named(name: str) -> None:
    assert assert_named(HEDGED, single(name), 200)


def test_two_mistakes_at_once() -> None:
    both = single("invalid answer wins"), single("loser not cancelled")
    found = explained(HEDGED, planted(*both))
    assert [set(match) for match in found.matches] == [{one.name for one in both}]
    assert found.tried <= found.possible


def test_a_delay_is_read_from_the_data() -> None:
    late = Semantics(losers_stay=0.125)
    found = explained(HEDGED, planted(semantics=late))
    assert found.matches == (("loser cancelled late, after 0.125 s",),)
    other = planted(Variant("", {"policy": Hedge(1.25)}))
    assert explained(HEDGED, other).matches[0] == ("hedge launched after 1.25 s",)


def nobody(scenario: Scenario, n: int, seed: int) -> Requests:
    """Something that no variant does: every tenth request takes longer."""
    result = fast.run(scenario, n, seed)
    result.latency[9::10] += 1
    return result


def test_none_of_them() -> None:
    found = explained(HEDGED, nobody, effort=8000)
    assert found.matches == ()
    assert found.nearest is not None
    assert found.nearest[1] == 9
    text = str(found)
    assert text.startswith(f"none of the {found.tried} variants tried behaves as your code")
    assert f"{found.possible - found.tried} more were left out" in text


def test_the_effort_is_bounded() -> None:
    few, more = (explained(HEDGED, nobody, effort=effort).tried for effort in (1000, 4000))
    assert few < more < 4000 / 59


def test_a_variant_that_fails_soon_is_not_simulated_to_its_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    simulated: list[int] = []

    def counting(scenario: Scenario, semantics: Semantics, n: int, seed: int) -> Requests:
        simulated.append(n)
        return run(scenario, semantics, n, seed)

    monkeypatch.setattr("simulators.check.diagnosis.run", counting)
    explained(HEDGED, planted(single("invalid answer wins")), n=800)
    assert sum(n == 800 for n in simulated) < 10
    assert sum(n < 300 for n in simulated) > 20


def test_users_who_wait_for_their_answers() -> None:
    scenario = dataclasses.replace(HEDGED, arrivals=Closed(4, 1.0))
    found = explained(scenario, planted(single("loser not cancelled")))
    assert found.matches[0] == ("loser not cancelled",)


QUEUEING = dataclasses.replace(HEDGED, limiter=Limiter("queue", capacity=3))


def test_whoever_waits_for_a_permit_need_not_be_seen() -> None:
    for semantics in (Semantics(), Semantics(hidden_permits=True)):
        code = planted(semantics=semantics)
        assert check.code(QUEUEING, code, 150, [3, 4], ticks=False).agrees
    one, other = (planted(semantics=Semantics(hidden_permits=h)) for h in (False, True))
    assert one(QUEUEING, 150, 3).difference(other(QUEUEING, 150, 3)) is not None


def test_a_limiter_that_should_queue() -> None:
    drops = Variant("", {"limiter": Limiter("drop", capacity=3)})
    assert explained(QUEUEING, planted(drops)).matches == (("limiter drops, at 3 attempts",),)


def test_it_is_the_same_each_time() -> None:
    code = planted(single("timeout missing"))
    texts = {str(check.code(HEDGED, code, 200, [3, 4], ticks=False)) for _ in range(2)}
    assert len(texts) == 1


def test_a_variant_that_is_as_the_scenario_says_is_none() -> None:
    alone = Scenario([Branch("a", LAW)], EagerRace())
    names = {one.name for one in variants_of(alone, fast.run(alone, 10, 0))}
    assert names == set()


def test_events_are_shown_if_the_code_wrote_some() -> None:
    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        never = [dataclasses.replace(one, cancel="never") for one in scenario.branches]
        changed = dataclasses.replace(scenario, branches=never, overload="allowed")
        return events.run(changed, n, seed, trace=True)

    report = check.code(HEDGED, code, 100, [3], ticks=False)
    assert report.logs is not None
    model, theirs = report.logs
    assert any("cancelled" in line for line in theirs)
    assert model != theirs


def test_what_is_no_question_is_refused() -> None:
    with pytest.raises(ScenarioError, match="seeds is"):
        check.code(HEDGED, nobody, 10, [])
    with pytest.raises(ScenarioError, match="n is 0"):
        check.code(HEDGED, nobody, 0)
    with pytest.raises(ValueError, match="11 requests of seed 0; it was asked for 10"):
        check.code(HEDGED, lambda scenario, n, seed: fast.run(scenario, n + 1, seed), 10)


def test_a_difference_is_in_the_last_bit() -> None:
    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        result = fast.run(scenario, n, seed)
        result.latency[5] = np.nextafter(result.latency[5], 99.0)
        return result

    report = check.code(HEDGED, code, 50, [1], ticks=False, effort=1000)
    assert report.difference is not None
    assert (report.difference.request, report.difference.column) == (5, "latency")
