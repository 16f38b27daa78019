import platform

from simulators import fast, provenance
from simulators.scenario import Branch, Scenario
from spectest.patterns.policies import Sequential

SCENARIO = Scenario([Branch("llm", 1.0)], Sequential())


def test_requests_say_where_they_come_from() -> None:
    found = provenance.of_requests(fast.run(SCENARIO, 7, seed=3))
    assert found == provenance.of(SCENARIO, "fast", 3, 7)
    assert found.to_data() == {
        "scenario_hash": SCENARIO.hash,
        "engine": "fast",
        "seed": 3,
        "n": 7,
        "versions": dict(found.versions),
    }


def test_versions_are_sorted_and_name_this_python() -> None:
    found = provenance.versions()
    assert list(found) == sorted(found)
    assert dict(found)["python"] == platform.python_version()


def test_a_line_has_all_of_it() -> None:
    line = str(provenance.of(SCENARIO, "events", 5, 100))
    assert line.startswith(f"scenario {SCENARIO.hash[:12]}, engine events, seed 5, n 100; numpy ")
