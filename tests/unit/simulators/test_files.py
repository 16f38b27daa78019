import copy
import dataclasses
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from simulators import files
from simulators.forms import KINDS, class_of, fields_of
from simulators.scenario import (
    Branch,
    Cost,
    Limiter,
    Memory,
    Pool,
    Scenario,
    ScenarioError,
)
from spectest.latency import (
    LLM,
    Constant,
    Empirical,
    Erlang,
    HyperExponential,
    LogNormal,
    Mixture,
    Pareto,
    Percentiles,
)
from spectest.patterns.policies import Cascade, Hedge
from tests.parity.simulated import SCENARIOS

SCHEMA = json.loads(files.SCHEMA.read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)

ODD = Scenario(
    [
        Branch(
            "a b", Mixture([(0.5, Empirical([1, 2, 2])), (0.5, Erlang(2, 1.0))]), cancel="never"
        ),
        Branch("é", Percentiles({0.5: 1, 0.9: 2}, low=0.5, tail=Pareto(2, 2)), timeout=3),
        Branch(
            "llm", LLM(0.1, {5: 0.5, 9: 0.5}, 0.02), cost=Cost(1, 2, 3, 4), memory=Memory(5, 6, 7)
        ),
        Branch("h", HyperExponential([0.5, 0.5], [1, 2])),
    ],
    Cascade(),
    order=["llm", "é"],
    memory_limit=8e10,
)
ALL = {**SCENARIOS, "odd": ODD}

SMALL: dict[str, Any] = {
    "branches": [
        {"name": "llm", "latency": {"p50": 0.03, "p99": 0.15}},
        {"name": "rules", "latency": 0.05},
    ],
    "policy": {"kind": "Hedge", "delay": 0.05},
}


@pytest.mark.parametrize("name", ALL)
def test_both_forms_say_the_same(name: str, tmp_path: Path) -> None:
    for suffix in ("toml", "json"):
        path = tmp_path / f"scenario.{suffix}"
        files.write(ALL[name], path)
        assert files.read(path) == ALL[name]
        assert files.read(path).hash == ALL[name].hash
        assert [entry.name for entry in tmp_path.iterdir() if entry.suffix == ".half"] == []


@pytest.mark.parametrize("name", ALL)
def test_what_is_written_keeps_to_the_schema(name: str) -> None:
    VALIDATOR.validate(json.loads(files.to_json(ALL[name])))
    VALIDATOR.validate(tomllib.loads(files.to_toml(ALL[name])))


def test_the_schema_knows_every_class_and_every_field() -> None:
    definitions = SCHEMA["$defs"]
    for role, kinds in KINDS.items():
        forms = {
            form["properties"]["kind"]["const"]: form
            for form in definitions[role]["anyOf"]
            if "kind" in form.get("properties", {})
        }
        assert sorted(forms) == sorted(kinds)
        for kind in kinds:
            told = (
                set(forms[kind]["properties"])
                - {"kind"}
                - ({"branches"} if role == "policy" else set())
            )
            assert told == set(fields_of(class_of(role, kind)))
    parts = {"branch": Branch, "cost": Cost, "memory": Memory, "pool": Pool, "limiter": Limiter}
    for name, part in parts.items():
        assert list(definitions[name]["properties"]) == fields_of(part)
    assert set(SCHEMA["properties"]) == set(fields_of(Scenario)) - {"order"}


def test_the_schema_and_the_classes_ask_for_the_same_fields() -> None:
    for role, kinds in KINDS.items():
        for form in SCHEMA["$defs"][role]["anyOf"]:
            kind = form.get("properties", {}).get("kind", {}).get("const")
            if kind in kinds:
                needed = {
                    field.name
                    for field in dataclasses.fields(class_of(role, kind))
                    if field.init and field.default is field.default_factory is dataclasses.MISSING
                }
                assert set(form["required"]) - {"kind"} == needed, kind


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "a typo": (
        {"branches": [{"name": "llm", "latncy": 1.0}]},
        "branches['llm'].latncy is 1.0, which is no field; did you mean 'latency'?",
    ),
    "a typo at the top": (
        {"arivals": None},
        "arivals is None, which is no field; did you mean 'arrivals'?",
    ),
    "p99 below p50": (
        {"branches": [{"name": "llm", "latency": {"p50": 0.03, "p99": 0.01}}]},
        (
            "branches['llm'].latency.p99 is 0.01, which is not greater than p50=0.03; "
            "use a larger p99, or Constant(0.03)"
        ),
    ),
    "a missing latency": (
        {"branches": [{"name": "llm"}]},
        "branches['llm'].latency is None, which is missing; add it",
    ),
    "a negative rate": (
        {"arrivals": {"kind": "Poisson", "rate": -3}},
        "arrivals.rate is -3, which is not above 0; use a positive number, requests a second",
    ),
    "an unknown policy": (
        {"policy": {"kind": "Hegde", "delay": 1}},
        "policy.kind is 'Hegde', which is no policy; did you mean 'Hedge'?",
    ),
    "a negative delay": (
        {"policy": {"kind": "Hedge", "delay": -1}},
        "policy.delay is -1, which is no duration; use seconds, 0 or more, such as 0.2 for 200 ms",
    ),
    "a missing branch": (
        {"policy": {"kind": "Hedge", "delay": 1, "branches": ["llm", "rulse"]}},
        "policy.branches is 'rulse', which is no branch; did you mean 'rules'?",
    ),
    "a quantile of nobody": (
        {"policy": {"kind": "Hedge", "delay": {"quantile": 0.95, "of": "lllm"}}},
        "policy.delay.of is 'lllm', which is no branch; did you mean 'llm'?",
    ),
    "half a branch": (
        {"policy": {"kind": "Hedge", "delay": 1, "most": 1.5}},
        "policy.most is 1.5, which is no number of branches; use an integer, 1 or more",
    ),
    "a sigma": (
        {"branches": [{"name": "x", "latency": {"kind": "LogNormal", "median": 1, "sigma": -1}}]},
        (
            "branches['x'].latency.sigma is -1, which is not a finite number greater than 0; "
            "use 0.5, or Constant"
        ),
    ),
    "a pick": (
        {"decision": {"kind": "FirstValid", "pick": "best"}},
        "decision.pick is 'best', which is not known; use one of 'ranking', 'literal'",
    ),
    "a correlation": (
        {"dependence": {"kind": "GaussianCopula", "correlation": 2}},
        "dependence.correlation is 2, which is not a probability; use a number from 0 to 1",
    ),
}


@pytest.mark.parametrize("changed, line", WRONG.values(), ids=WRONG)
def test_one_line_names_field_value_and_remedy(changed: dict[str, Any], line: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        files.from_data({**copy.deepcopy(SMALL), **changed})
    assert str(caught.value) == line


@pytest.mark.parametrize("name", ["a typo", "a typo at the top", "a missing latency", "a pick"])
def test_the_schema_refuses_it_too(name: str) -> None:
    assert VALIDATOR.is_valid(SMALL)
    assert not VALIDATOR.is_valid({**SMALL, **WRONG[name][0]})


def test_what_is_no_file_of_a_scenario(tmp_path: Path) -> None:
    (tmp_path / "broken.toml").write_text("branches = [")
    (tmp_path / "list.json").write_text("[]")
    (tmp_path / "x.yaml").write_text("")
    for name, line in (
        ("broken.toml", "is no TOML"),
        ("list.json", "the scenario is \\[\\], which is no object"),
        ("x.yaml", "is neither TOML nor JSON; use .toml or .json"),
    ):
        with pytest.raises(ScenarioError, match=line) as caught:
            files.read(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_delay_may_be_a_quantile() -> None:
    data = {**SMALL, "policy": {"kind": "Hedge", "delay": {"quantile": 0.95}}}
    latency = LogNormal.from_percentiles(p50=0.03, p99=0.15)
    assert files.from_data(data).policy == Hedge(latency.quantile(0.95))
    data = {**SMALL, "policy": {"kind": "Hedge", "delay": {"quantile": 0.5, "of": "rules"}}}
    assert files.from_data(data).policy == Hedge(0.05)


def test_a_file_can_be_read_as_it_is(tmp_path: Path) -> None:
    related = SMALL | {"policy": {"kind": "Hedge", "delay": {"quantile": 0.9}}}
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(related))
    assert files.read_data(path) == related
    assert files.read(path) == files.from_data(related)


def test_the_hash_is_that_of_the_content() -> None:
    one = files.from_data(SMALL)
    same = Scenario(
        [
            Branch("llm", LogNormal.from_percentiles(p50=0.03, p99=0.15)),
            Branch("rules", (0.05, 0.05)),
        ],
        Hedge(0.05),
    )
    assert one.hash != same.hash
    same = dataclasses.replace(same, branches=[same.branches[0], Branch("rules", Constant(0.05))])
    assert one.hash == same.hash
    assert one.hash != dataclasses.replace(one, timer="service_start").hash
    assert (
        dataclasses.replace(one, policy=Hedge(1)).hash
        == dataclasses.replace(one, policy=Hedge(1.0)).hash
    )


def test_the_hash_is_the_same_in_another_process() -> None:
    data = {**SMALL, "branches": [{"name": "llm", "latency": 0.25}]}
    program = (
        "import json, sys; from simulators import files; "
        "print(files.from_data(json.load(sys.stdin)).hash)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps(data),
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "7", "PYTHONPATH": ":".join(sys.path)},
    )
    assert result.stdout.strip() == files.from_data(data).hash == HASH


HASH = "20d14590b1abd20f88d382d297b6a0ca3824c96c7846b02518c62b9c8695bf1a"
"""Who changes it changes the hash of everybody's scenarios."""


def test_a_policy_of_ones_own_has_no_form() -> None:
    class Own(Hedge):
        pass

    scenario = Scenario([Branch("a", 1.0)], Own(1.0))
    with pytest.raises(ScenarioError, match="has no form in a file"):
        files.to_data(scenario)
