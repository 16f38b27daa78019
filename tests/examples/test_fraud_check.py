"""The demo tells the truth: each of its five parts goes as told."""

import subprocess
import sys

from tests.examples.pages import ROOT, environment


def test_the_demo_goes_as_told() -> None:
    demo = subprocess.run(
        [sys.executable, "-m", "examples.fraud_check.demo"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    told = demo.stdout
    assert demo.returncode == 0, told + demo.stderr
    assert "passed 20 times of 20" in told
    assert "assert ['approve', 'block'] == ['approve']" in told
    assert "1 confirmed in real time" in told
    assert "the same failure" in told
    assert "the customer was told: approve;  the ledger says: approve, block" in told
    assert "1 passed" in told
    assert told.rstrip().endswith("the fixed pipeline holds.")
