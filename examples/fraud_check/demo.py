"""The fraud check from a green test to a bug and its proof: python -m examples.fraud_check.demo."""

import asyncio
import contextlib
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from examples.fraud_check import pipeline
from examples.fraud_check.services import NOMINAL_LLM, Services
from examples.fraud_check.test_fraud_check import told_and_recorded

ROOT = Path(__file__).resolve().parents[2]
TESTS = "examples/fraud_check/test_fraud_check.py"
ORDINARY = f"{TESTS}::test_llm_decides"
EXPLORED = f"{TESTS}::test_llm_decides_explored"
FIXED = f"{TESTS}::test_fixed_llm_decides_explored"
REPORT = ".spectest/fraud_check_report.txt"

TIMES = 20
SLOW_LLM = 0.154
BROKEN_LEDGER = "['approve', 'block']"
TOKEN = re.compile(r"""(?:--spectest-replay[= ]|spectest replay \S+ )['"]?([^\s'"]+)""")
# A project's own addopts (-n, -v, ...) would change what is printed here.
PLAIN = ["-o", "addopts=", "-p", "no:cacheprovider"]


class Repeat:
    """A pytest plugin that runs every test TIMES times and counts."""

    def __init__(self) -> None:
        self.passed = 0

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        metafunc.fixturenames.append("repetition")
        metafunc.parametrize("repetition", range(TIMES))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.when == "call" and report.passed


def ordinary_test_passes() -> bool:
    print(f"1. An ordinary test of the pipeline, on stock asyncio, {TIMES} times")
    print(f"   $ pytest {ORDINARY}\n")
    repeat = Repeat()
    with contextlib.redirect_stdout(io.StringIO()):
        pytest.main(["-q", *PLAIN, ORDINARY], plugins=[repeat])
    print(f"   passed {repeat.passed} times of {TIMES}\n")
    return repeat.passed == TIMES


def run_pytest(*arguments: str) -> tuple[int, str]:
    print(f"   $ pytest {' '.join(arguments)}\n", flush=True)
    finished = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--no-header", *PLAIN, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return finished.returncode, finished.stdout


def exploration_finds_the_bug() -> str | None:
    """Print pytest's output; the replay token, or None when the bug was not found."""
    print("2. The same test, explored by spectest")
    report = Path(REPORT)
    report.parent.mkdir(exist_ok=True)
    report.unlink(missing_ok=True)
    code, output = run_pytest(EXPLORED, f"--spectest-report={REPORT}")
    print(output)
    text = report.read_text() if report.exists() else ""
    token = TOKEN.search(text)
    if code != pytest.ExitCode.TESTS_FAILED or BROKEN_LEDGER not in output or token is None:
        return None
    return token[1]


def replay_shows_it_again(token: str) -> bool:
    print("3. The report and the replay")
    print(f"   The report is in {REPORT}; the failure is kept in .spectest/ and tried first")
    print("   next time. The token replays it, here or on a colleague's machine; the same as")
    print(f"   $ spectest replay {EXPLORED} {token}")
    code, output = run_pytest(EXPLORED, f"--spectest-replay={token}")
    again = code == pytest.ExitCode.TESTS_FAILED and BROKEN_LEDGER in output
    print(f"   {'the same failure' if again else output}\n")
    return again


def stock_asyncio_shows_it_too() -> bool:
    print("4. The bug without spectest: stock asyncio, real time, a slower LLM")
    print(f"   The LLM takes {SLOW_LLM * 1000:.0f} ms instead of {NOMINAL_LLM * 1000:.0f} ms.\n")
    told, recorded = asyncio.run(
        told_and_recorded(pipeline.FraudCheck, Services(llm=SLOW_LLM)),
    )
    print(f"   the customer was told: {told};  the ledger says: {', '.join(recorded)}\n")
    return recorded != [told]


def fixed_twin_survives() -> bool:
    print("5. The fixed pipeline, explored by spectest")
    code, output = run_pytest(FIXED)
    print(output)
    return code == pytest.ExitCode.OK


def main() -> int:
    os.chdir(ROOT)
    passes = ordinary_test_passes()
    token = exploration_finds_the_bug()
    as_told = [
        passes,
        token is not None and replay_shows_it_again(token),
        stock_asyncio_shows_it_too(),
        fixed_twin_survives(),
    ]
    if all(as_told):
        print("The bug was found, replayed and seen on stock asyncio; the fixed pipeline holds.")
        return 0
    print("Something above did not go as told.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
