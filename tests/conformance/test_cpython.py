"""CPython's own asyncio tests pass on our loop, except for a few, each listed with the reason."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

PACKAGE = "test.test_asyncio"
SUITE = Path(__file__).with_name("cpython_suite.py")
REPOSITORY = Path(__file__).parents[2]

RUN = {
    "test_asyncgen": 40,
    "test_asyncio.test_base_events": 100,
    "test_asyncio.test_context": 1,
    "test_asyncio.test_eager_task_factory": 15,
    "test_asyncio.test_futures": 100,
    "test_asyncio.test_futures2": 3,
    "test_asyncio.test_locks": 60,
    "test_asyncio.test_pep492": 10,
    "test_asyncio.test_queues": 40,
    "test_asyncio.test_runners": 15,
    "test_asyncio.test_staggered": 1,
    "test_asyncio.test_taskgroups": 25,
    "test_asyncio.test_tasks": 900,
    "test_asyncio.test_threads": 6,
    "test_asyncio.test_timeouts": 20,
    "test_asyncio.test_waitfor": 10,
    "test_contextlib_async": 30,
    "test_coroutines": 70,
}
"""Module -> fewer tests than this cannot be all of it."""

SINCE = {
    "test_asyncio.test_eager_task_factory": (3, 12),
    "test_asyncio.test_staggered": (3, 13),
}

NOT_RUN = {
    "buffered_proto": "sockets",
    "events": "sockets, signals, subprocesses",
    "free_threading": "threads that race on purpose",
    "proactor_events": "a loop of its own on a mocked proactor",
    "protocols": "no loop",
    "selector_events": "a loop of its own on a mocked selector",
    "sendfile": "sockets",
    "server": "sockets",
    "sock_lowlevel": "sockets",
    "ssl": "sockets",
    "sslproto": "sockets",
    "streams": "sockets",
    "subprocess": "subprocesses",
    "transports": "no loop",
    "unix_events": "signals, pipes, subprocesses, on mocked selectors",
    "windows_events": "Windows",
    "windows_utils": "Windows",
}
"""Module of test_asyncio -> what it is about that a closed world does not have."""

EXCLUDED = {
    "*.test_log_destroyed_pending_task": (
        "test_asyncio.test_tasks",
        "calls the private _run_once, which is a whole run here",
    ),
    "*.test_stop_while_run_in_complete": (
        "test_asyncio.test_tasks",
        "asserts a time that only the mocked clock of CPython's TestLoop shows",
    ),
    "*.CoroutineGatherTests.test_issue46672": (
        "test_asyncio.test_tasks",
        "patches a method of BaseEventLoop that ours overrides",
    ),
    "*.VirtualTaskTests.test_set_exception_causes_invalid_state": (
        "test_asyncio.test_tasks",
        "calls a method of the class of futures on a task",
    ),
    "*.RunnerTests.test_interrupt_call_soon": (
        "test_asyncio.test_runners",
        "spins without end until a real signal arrives; here that is a livelock",
    ),
}
"""Pattern of test ids -> the module they are in, and why our loop cannot be asked this."""

SKIPPED_BY_CPYTHON = ("gettotalrefcount", "Windows", "windows", "requires")

installed = importlib.util.find_spec(PACKAGE) is not None
needs_package = pytest.mark.skipif(
    not installed,
    reason=f"this interpreter comes without {PACKAGE} (on Debian: package libpython3-testsuite)",
)


def exclusion(test: str) -> str | None:
    return next((pattern for pattern in EXCLUDED if fnmatchcase(test, pattern)), None)


def run_module(module: str) -> dict[str, tuple[str, int, str]]:
    finished = subprocess.run(
        [sys.executable, str(SUITE), f"test.{module}"],
        capture_output=True,
        check=False,
        text=True,
        timeout=200,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    outcomes: dict[str, tuple[str, int, str]] = json.loads(finished.stdout.splitlines()[-1])
    return outcomes


@needs_package
@pytest.mark.parametrize("module", sorted(RUN))
def test_cpythons_own_tests_pass_on_our_loop(module: str) -> None:
    if sys.version_info < SINCE.get(module, (3, 0)):
        assert importlib.util.find_spec(f"test.{module}") is None
        return
    outcomes = run_module(module)
    assert len(outcomes) >= RUN[module]
    assert any(loops for _, loops, _ in outcomes.values()), "none of it ran on our loop"
    wrong = {
        test: text
        for test, (outcome, _, text) in outcomes.items()
        if outcome == "failed" and not exclusion(test)
    }
    assert not wrong, "\n".join(f"{test}\n{text}" for test, text in wrong.items())
    unexplained = {
        test: text
        for test, (outcome, _, text) in outcomes.items()
        if outcome == "skipped" and not any(word in text for word in SKIPPED_BY_CPYTHON)
    }
    assert not unexplained
    stale = [
        test for test, (outcome, *_) in outcomes.items() if exclusion(test) and outcome != "failed"
    ]
    assert not stale, "excluded, but it passes"
    used = {exclusion(test) for test in outcomes} - {None}
    assert used == {pattern for pattern, (of, _) in EXCLUDED.items() if of == module}


@needs_package
def test_every_module_of_cpythons_is_run_or_listed() -> None:
    spec = importlib.util.find_spec(PACKAGE)
    assert spec is not None
    assert spec.submodule_search_locations is not None
    folder = Path(spec.submodule_search_locations[0])
    there = {path.stem.removeprefix("test_") for path in folder.glob("test_*.py")}
    ours = {name.removeprefix("test_asyncio.test_") for name in RUN if "." in name}
    assert not ours & set(NOT_RUN)
    assert there <= ours | set(NOT_RUN)


@needs_package
def test_a_loop_that_is_wrong_does_not_pass(tmp_path: Path) -> None:
    """The runner can fail: with a loop that runs its ready queue backwards, it does."""
    script = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cpython_suite as suite\n"
        "def backwards(self, todo):\n"
        "    for _ in range(todo):\n"
        "        self._ready.pop()._run()\n"
        "suite.CountedLoop._run_ready = backwards\n"
        "outcomes = suite.run(['test.test_asyncio.test_locks'], '.LockTests.')\n"
        "assert any(outcome == 'failed' for outcome, *_ in outcomes.values()), outcomes\n"
    )
    subprocess.run(
        [sys.executable, "-c", script, str(SUITE.parent)],
        check=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
