import subprocess
import sys

import pytest

from spectest import latency

HEAVY = "csv json hashlib zlib statistics numpy"
PROGRAM = f"""
import sys
import spectest.errors
before = set(sys.modules)
import spectest
spectest.latency
print(*sorted(set({HEAVY!r}.split()) & (set(sys.modules) - before)))
print(spectest.latency.LogNormal.from_percentiles(p50=0.030, p99=0.150).median)
"""


def test_the_package_is_found_through_the_facade_and_costs_nothing_until_used() -> None:
    finished = subprocess.run(
        [sys.executable, "-S", "-c", PROGRAM],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert finished.stdout.splitlines() == ["", "0.03"]


def test_an_unknown_distribution_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Gamma'"):
        latency.Gamma  # noqa: B018
    assert "LogNormal" in dir(latency)
