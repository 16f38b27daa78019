"""`check`: engines against each other, and code against its model."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from simulators import fast
from simulators.cli import INVALID
from simulators.cli.checking import AGREES, DIFFERS
from tests.unit.simulators.conftest import Command

CODE = """
import asyncio


async def hedged(services, request):
    calls = [asyncio.ensure_future(services["llm"]())]
    done, _ = await asyncio.wait(calls, timeout=1.0)
    if not done:
        calls.append(asyncio.ensure_future(services["backup"]()))
        done, _ = await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
    for call in calls:
        LOSERS
    return next(iter(done)).result()
"""
COUNTING = """

class Counting:
    def __init__(self):
        self.asked = 0

    async def __call__(self, services, request):
        self.asked += 1
        assert self.asked <= 200
        return await hedged(services, request)
"""
MODEL = """
[[branches]]
name = "llm"
latency = {p50 = 0.6, p99 = 3.0}

[[branches]]
name = "backup"
latency = {kind = "LogNormal", median = 0.8, sigma = 0.5}

[policy]
kind = "Hedge"
delay = 1.0
"""


@pytest.fixture
def code(command: Command) -> Iterator[None]:
    """Modules `right` and `wrong` beside model.toml."""
    Path("model.toml").write_text(MODEL, "utf-8")
    Path("right.py").write_text(CODE.replace("LOSERS", "call.cancel()") + COUNTING, "utf-8")
    Path("wrong.py").write_text(CODE.replace("LOSERS", "pass"), "utf-8")
    yield
    for name in ("right", "wrong"):
        sys.modules.pop(name, None)


def test_engines_agree(command: Command) -> None:
    left = command("check", "pooled.toml", "--n", 1_000, "--seeds", "0,1")
    assert (left.code, left.err) == (AGREES, "")
    assert left.out.count("events and fast: equal in every bit") == 2


def test_engines_that_differ(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    run = fast.run
    monkeypatch.setattr(
        "simulators.events.run", lambda scenario, n, seed: run(scenario, n, seed + 1)
    )
    left = command("check", "pooled.toml", "--n", 500, "--output", "json")
    assert left.code == DIFFERS
    assert [one["agrees"] for one in json.loads(left.out)] == [False, False]


@pytest.mark.usefixtures("code")
def test_code_that_does_what_the_model_says(command: Command) -> None:
    left = command("check", "model.toml", "--code", "right:hedged", "--n", 200)
    assert (left.code, left.err) == (AGREES, ""), left.out
    assert "model and code agree: 200 requests" in left.out


@pytest.mark.usefixtures("code")
def test_a_class_is_made_anew_for_each_run(command: Command) -> None:
    left = command("check", "model.toml", "--code", "right:Counting", "--n", 200)
    assert (left.code, left.err) == (AGREES, ""), left.out
    arguments = ["--engine", "live", "--n", 200, "--measures", "mean"]
    left = command("run", "model.toml", "--code", "right:Counting", *arguments)
    assert (left.code, left.err) == (0, "")


@pytest.mark.usefixtures("code")
def test_code_that_does_not(command: Command) -> None:
    left = command("check", "model.toml", "--code", "wrong:hedged", "--n", 200)
    assert left.code == DIFFERS
    assert "model and code disagree" in left.out
    assert "not cancelled" in left.out


@pytest.mark.usefixtures("code")
@pytest.mark.parametrize("losers", ["call.cancle()", "await asyncio.wait([])"])
def test_code_that_raises_is_named_by_its_line(command: Command, losers: str) -> None:
    Path("wrong.py").write_text(CODE.replace("LOSERS", losers), "utf-8")
    left = command("check", "model.toml", "--code", "wrong:hedged", "--n", 20)
    assert (left.code, left.out) == (INVALID, "")
    assert re.search(r"raised \w+: .+ for request 0, at wrong.py:12; mend it", left.err)


def test_what_is_too_rare_for_so_few_requests_is_no_disagreement(command: Command) -> None:
    left = command("check", "free.toml", "--n", 2_000)
    assert left.code == AGREES
    assert "unanswered 0, exact 4.36965e-06: not compared" in left.out
