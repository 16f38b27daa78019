"""CPython's own tests of threads pass in worlds, except for a few, each listed with the reason."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from textwrap import dedent

import pytest

from tests.conformance.cpython_threads import OUTSIDE

SUITE = Path(__file__).with_name("cpython_threads.py")
REPOSITORY = Path(__file__).parents[2]
FUTURES = "test_concurrent_futures"
TIMEOUT_S = 150


@dataclass(frozen=True)
class Part:
    """What is run of a module: tests that match `only`; fewer than `at_least` cannot be all."""

    at_least: int
    only: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class Exclusion:
    """Tests of `module` that match `pattern` fail; with `started` False, they are not even run.

    `since`, `before`: the versions of Python for which this is so.
    """

    module: str
    pattern: str
    reason: str
    started: bool = False
    since: tuple[int, int] = (3, 11)
    before: tuple[int, int] = (4, 0)


POOLS = ("*ThreadPool*",)
RUN = {
    "test_asyncio.test_threads": Part(6),
    f"{FUTURES}.test_as_completed": Part(5, POOLS),
    f"{FUTURES}.test_future": Part(18),
    f"{FUTURES}.test_init": Part(2, POOLS),
    f"{FUTURES}.test_shutdown": Part(14, POOLS),
    f"{FUTURES}.test_thread_pool": Part(12, POOLS),
    f"{FUTURES}.test_wait": Part(8, POOLS),
    "test_context": Part(1, ("*thread*",)),
    "test_decimal": Part(2, ("*ThreadingTest.*",)),
    "test_functools": Part(6, ("*thread*",)),
    "test_importlib.test_locks": Part(25),
    "test_importlib.test_threaded_import": Part(8),
    "test_logging": Part(9, ("*.Queue*",)),
    "test_queue": Part(50),
    "test_sched": Part(10),
    "test_thread": Part(23),
    "test_threadedtempfile": Part(1),
    "test_threading": Part(190),
    "test_threading_local": Part(20),
}

POLLS = "a hundred threads poll every ten microseconds: a million choice points"
PROCESSES = "about processes"
FORKS = "forks, and goes on in the child"
REAL_IMPORT = "the import system keeps its real locks, in which others wait in real time"
EXCLUSIONS = (
    Exclusion(
        f"{FUTURES}.test_thread_pool",
        "*.test_hang_global_shutdown_lock",
        PROCESSES,
    ),
    Exclusion(
        f"{FUTURES}.test_thread_pool",
        "*.test_default_workers",
        "asserts a size that depends on the machine; here a pool has the same on every one",
        started=True,
    ),
    Exclusion("test_importlib.test_locks", "*.Frozen_*.test_acquire_contended", REAL_IMPORT),
    Exclusion("test_importlib.test_locks", "*.Frozen_*.test_deadlock", REAL_IMPORT),
    Exclusion(
        "test_importlib.test_threaded_import",
        "*.test_parallel_meta_path",
        f"sleeps while it imports; {REAL_IMPORT}",
    ),
    Exclusion(
        "test_importlib.test_threaded_import",
        "*.test_parallel_path_hooks",
        f"sleeps while it imports; {REAL_IMPORT}",
    ),
    Exclusion("test_logging", "*_mp_queue", PROCESSES),
    Exclusion("test_logging", "*.test_no_messages_in_queue_after_stop", PROCESSES),
    Exclusion("test_queue", "*SimpleQueueTest.test_many_threads_nonblock", POLLS),
    Exclusion("test_queue", "*SimpleQueueTest.test_many_threads_timeout", POLLS),
    Exclusion("test_thread", "*.TestForkInThread.*", FORKS),
    Exclusion(
        "test_thread",
        "*.test_unraisable_exception",
        "an exception that ends a thread goes to the judgement of the world, and to no hook",
        started=True,
    ),
    Exclusion("test_threading", "*after_fork*", FORKS),
    Exclusion("test_threading", "*.SubinterpThreadingTests.*", "interpreters of their own"),
    Exclusion(
        "test_threading",
        "*.test_can_interrupt_tight_loops",
        "reads a variable until another thread writes it; neither is a choice point",
    ),
    Exclusion(
        "test_threading",
        "*.test_disallow_instantiation",
        "what makes our locks is their type, as in CPython since 3.13",
        started=True,
        before=(3, 13),
    ),
    Exclusion(
        "test_threading",
        "*.test_foreign_thread",
        "a dummy thread ends with its thread, as in CPython since 3.13",
        started=True,
        before=(3, 13),
    ),
    Exclusion(
        "test_threading",
        "*.test_ident_of_no_threading_threads",
        "a dummy thread ends with its thread, as in CPython since 3.13",
        started=True,
        before=(3, 13),
    ),
)

SKIPPED_BY_CPYTHON = ("does not expose", "Py_DEBUG", "Py_GIL_DISABLED", "requires", "Windows")

needs_package = pytest.mark.skipif(
    importlib.util.find_spec("test.test_queue") is None,
    reason="this interpreter comes without CPython's tests",
)

Outcomes = dict[str, tuple[str, int, str]]


def exclusions_of(module: str, *, started: bool) -> list[Exclusion]:
    return [
        exclusion
        for exclusion in EXCLUSIONS
        if exclusion.module == module
        and exclusion.started == started
        and exclusion.since <= sys.version_info < exclusion.before
    ]


def excluded(test: str, module: str) -> str | None:
    known = exclusions_of(module, started=True)
    return next((e.pattern for e in known if fnmatchcase(test, e.pattern)), None)


def is_here(module: str) -> bool:
    try:
        return importlib.util.find_spec(f"test.{module}") is not None
    except ModuleNotFoundError:
        return False


def run_module(module: str, only: tuple[str, ...], without: list[str]) -> Outcomes:
    options = [f"-k{pattern}" for pattern in only] + [f"-x{pattern}" for pattern in without]
    finished = subprocess.run(
        [sys.executable, str(SUITE), f"test.{module}", *options],
        capture_output=True,
        check=False,
        text=True,
        timeout=TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
    assert finished.returncode == 0, finished.stderr[-4000:]
    assert not finished.stderr, "it leaves something behind, or is warned"
    outcomes: Outcomes = json.loads(finished.stdout.splitlines()[-1])
    return outcomes


def wrong(outcomes: Outcomes, module: str) -> str:
    failures = {
        test: text
        for test, (outcome, _, text) in outcomes.items()
        if outcome == "failed" and not excluded(test, module)
    }
    return "\n".join(f"{test}\n{text}" for test, text in failures.items())


@pytest.mark.parametrize("module", RUN)
def test_cpythons_own_tests_pass_in_worlds(module: str) -> None:
    if not is_here(module):
        pytest.skip(f"this interpreter comes without test.{module}")
    part = RUN[module]
    never = [exclusion.pattern for exclusion in exclusions_of(module, started=False)]
    outcomes = run_module(module, part.only, never)
    assert len(outcomes) >= part.at_least
    assert any(threads for _, threads, _ in outcomes.values()), "none of it started a thread"
    assert not wrong(outcomes, module), wrong(outcomes, module)
    not_run = [test for test, (outcome, *_) in outcomes.items() if outcome == "not run"]
    assert all(any(fnmatchcase(test, pattern) for test in not_run) for pattern in never)
    unexplained = {
        test: text
        for test, (outcome, _, text) in outcomes.items()
        if outcome == "skipped"
        and text != OUTSIDE
        and not any(word in text for word in SKIPPED_BY_CPYTHON)
    }
    assert not unexplained
    stale = [
        test
        for test, (outcome, *_) in outcomes.items()
        if excluded(test, module) and outcome != "failed"
    ]
    assert not stale, "excluded, but it passes"
    used = {excluded(test, module) for test in outcomes} - {None}
    assert used == {exclusion.pattern for exclusion in exclusions_of(module, started=True)}


@pytest.mark.soak
@needs_package
def test_so_do_those_that_poll_a_million_times() -> None:
    patterns = tuple(exclusion.pattern for exclusion in EXCLUSIONS if exclusion.reason == POLLS)
    outcomes = run_module("test_queue", patterns, [])
    assert len(outcomes) == 4
    assert {outcome for outcome, *_ in outcomes.values()} == {"passed"}, wrong(outcomes, "")


WRONG = {
    "a lock that keeps nobody out": (
        "test.test_thread",
        "*.LockTests.*",
        "locks.VirtualLock._try = lambda self, agent: self._inner.acquire(False) or True",
    ),
    "a lock that wakes nobody": (
        "test.test_queue",
        "*.PyQueueTest.test_basic",
        "locks.VirtualLock._released = lambda self: None",
    ),
    "a timeout that lasts ten times as long": (
        "test.test_threading",
        "*.LockTests.test_timeout",
        """
        wait = locks.WaitingList._until
        locks.WaitingList._until = lambda self, agent, attempt, timeout: wait(
            self, agent, attempt, 10 * timeout
        )
        """,
    ),
    "a queue that turns its items round": (
        "test.test_queue",
        "*.CSimpleQueueTest.test_order",
        "import queue; simple_queue.real_simple_queue = queue.LifoQueue",
    ),
}
"""What is wrong -> a module of CPython's that tells, tests of it, and how to make it wrong."""


@needs_package
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_does_not_pass(name: str, tmp_path: Path) -> None:
    """The runner can fail."""
    module, only, fault = WRONG[name]
    script = (
        "import tests.conformance.cpython_threads as suite\n"
        "from spectest.threads import locks, simple_queue\n"
        f"def prepare():\n    exec({dedent(fault)!r}, globals())\n"
        f"outcomes = suite.run([{module!r}], [{only!r}], prepare=prepare)\n"
        "assert outcomes\n"
        "assert any(outcome == 'failed' for outcome, *_ in outcomes.values()), outcomes\n"
    )
    subprocess.run(
        [sys.executable, "-c", script],
        check=True,
        capture_output=True,
        cwd=tmp_path,
        timeout=TIMEOUT_S,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
    )
