"""Runs modules of CPython's own tests of threads, each test as the program of a world of its own.

A program of its own, because it exchanges the threads of the whole process: `python
cpython_threads.py test.test_queue ...` prints one JSON object: test id -> [outcome, threads started
in its world, text]. `setUp`, the test and `tearDown` are what the world runs, in stock order; what
belongs to a class or a module stays outside. `-kPATTERN` runs only the tests that match one of the
patterns, `-xPATTERN` does not run those that match, and says so.
"""

from __future__ import annotations

import faulthandler
import gc
import importlib
import json
import queue
import sys
import unittest
import warnings
from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from spectest.threads.agents import current
from spectest.threads.patching import installed
from spectest.world import Limits, World
from tests.conformance.cpython_suite import Recorder, tests_of

# They let a hundred threads do ten thousand things at one instant.
LIMITS = Limits(leaks="ignore", stall_s=0.0, max_steps=2_000_000, max_steps_at_once=2_000_000)
HANGS_AFTER_S = 120
OUTSIDE = "starts an interpreter of its own, in which nothing is exchanged"

_stock_call = unittest.TestCase.__call__
_worlds: dict[str, World] = {}


class ThreadRecorder(Recorder):
    """Outcomes by test id, with the number of threads that were started for each."""

    def _note(self, test: unittest.TestCase, outcome: str, text: str = "") -> None:
        world = _worlds.get(test.id())
        started = world.threads.started if world is not None and world.threads is not None else 0
        if self.outcomes.get(test.id(), ("",))[0] != "failed":
            self.outcomes[test.id()] = (outcome, started, text)


def _call_in_world(test: unittest.TestCase, result: Any = None) -> Any:
    world = _worlds[test.id()] = World(limits=LIMITS)
    try:
        world.run(lambda: _stock_call(test, result))
    except Exception:
        result.addError(test, sys.exc_info())


def _matches(test: unittest.TestCase, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(test.id(), pattern) for pattern in patterns)


def stay_in_this_process() -> None:
    """What CPython's tests have in common, for tests in worlds."""
    support: Any = importlib.import_module("test.support")
    scripts: Any = importlib.import_module("test.support.script_helper")
    threads: Any = importlib.import_module("test.support.threading_helper")
    support.verbose = 0
    scripts.run_python_until_end = _refuse_to_start_python
    # Carriers and the watchdog outlive a world, and would be waited for between the tests.
    count, cleanup = threads.threading_setup, threads.threading_cleanup
    threads.threading_setup = lambda: count() if current() else ()
    threads.threading_cleanup = lambda *before: cleanup(*before) if current() else None


def _refuse_to_start_python(*args: object, **options: object) -> None:
    raise unittest.SkipTest(OUTSIDE)


def use_our_queues(module: Any) -> None:
    """`test_queue` imports two copies of `queue`; all of it but a copy in Python becomes stock."""
    for cls in vars(module).values():
        if isinstance(cls, type) and hasattr(cls, "queue") and cls.__name__ != "PySimpleQueueTest":
            cls.queue = queue
    module.CSimpleQueueTest.setUp = _set_up_simple_queue


def _set_up_simple_queue(self: Any) -> None:
    self.type2test = queue.SimpleQueue
    self.q = queue.SimpleQueue()


def run(
    modules: Sequence[str],
    only: Sequence[str] = ("*",),
    without: Sequence[str] = (),
    prepare: Callable[[], None] | None = None,
) -> dict[str, tuple[str, int, str]]:
    """Run what matches. `prepare`: called when everything is exchanged and imported."""
    recorder = ThreadRecorder()
    # Imported by then, they find the world's in `threading` and `_thread`, also for their classes.
    with installed():
        stay_in_this_process()
        imported = {name: importlib.import_module(name) for name in modules}
        if "test.test_queue" in imported:
            use_our_queues(imported["test.test_queue"])
        if prepare is not None:
            prepare()
        gc.collect()
        gc.freeze()  # the tests collect garbage a thousand times
        cases: Any = unittest.TestCase
        cases.__call__ = _call_in_world
        for module in imported.values():
            found = list(tests_of(unittest.defaultTestLoader.loadTestsFromModule(module)))
            chosen = [test for test in found if _matches(test, only)]
            for test in chosen:
                if _matches(test, without):
                    recorder.outcomes[test.id()] = ("not run", 0, "")
            unittest.TestSuite(t for t in chosen if not _matches(t, without)).run(recorder)
    return recorder.outcomes


if __name__ == "__main__":
    faulthandler.dump_traceback_later(HANGS_AFTER_S, exit=True)
    arguments = sys.argv[1:]
    only = [argument[2:] for argument in arguments if argument.startswith("-k")]
    without = [argument[2:] for argument in arguments if argument.startswith("-x")]
    modules = [argument for argument in arguments if not argument.startswith("-")]
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        outcomes = run(modules, only or ("*",), without)
    print(json.dumps(outcomes))
