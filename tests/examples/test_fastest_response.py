"""What the example says of litellm's router is true; needs the extra `examples`."""

import importlib.util
import subprocess
import sys

import pytest

from tests.examples.pages import ROOT, environment


@pytest.mark.skipif(
    importlib.util.find_spec("litellm") is None,
    reason="litellm is not installed; the extra `examples` has it",
)
@pytest.mark.timeout(300)
def test_the_router_goes_on_when_its_caller_has_given_up() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "examples.fastest_response.router"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    page = shown.stdout
    assert shown.returncode == 0, page + shown.stderr
    words = (
        "AssertionError: gave up, and was billed afterwards for small#1 and large#1",
        "  `small#1` took 260 ms instead of 200 ms (+30 %)",
        "possible on CPython, at these durations (`strict`)",
        "confirmed in real time",
        "fixed: no failure in 200 executions",
    )
    assert [each for each in words if each not in page] == [], page


def test_the_extra_has_what_the_example_needs() -> None:
    needed = (ROOT / "examples" / "fastest_response" / "requirements.txt").read_text("utf-8")
    (litellm,) = [line for line in needed.splitlines() if line.startswith("litellm")]
    assert f'"{litellm}"' in (ROOT / "pyproject.toml").read_text("utf-8")
