"""Runs modules of CPython's own asyncio tests with `VirtualEventLoop` as everybody's event loop.

A program of its own, because it exchanges the loop of the whole process: `python cpython_suite.py
test.test_asyncio.test_locks ...` prints one JSON object: test id -> [outcome, loops made, text].
Whatever asks the default policy for a loop gets ours, and so does whoever asks for a bare
`asyncio.BaseEventLoop` or for the `TestLoop` of CPython's tests, a loop on mocked time. The tests
of tasks and futures, which CPython repeats for its implementations in C and in Python, are repeated
for ours.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import sys
import unittest
import warnings
from collections.abc import Iterator
from typing import Any

from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.tasks import VirtualFuture, VirtualTask
from spectest.kernel.clock import seconds_to_ns

made = 0


class CountedLoop(VirtualEventLoop):
    """Ours, and counted."""

    def __init__(self) -> None:
        global made
        made += 1
        super().__init__()


class TimedLoop(CountedLoop):
    """Stands for `test_utils.TestLoop`, which is told by a generator how time goes on.

    The generator asserts when timers are due; its answers are not needed, as the clock is virtual.
    """

    def __init__(self, gen: Any = None) -> None:
        super().__init__()
        self._gen = gen() if gen is not None else iter(())
        next(self._gen, None)
        self._tells = gen is not None

    def call_at(self, when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        if self._tells:
            self._gen.send(when)
        return super().call_at(when, *args, **kwargs)

    def call_later(self, delay: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:  # type: ignore[override]
        return self.call_at(self.time() + delay, *args, **kwargs)

    def advance_time(self, advance: float) -> None:
        self._clock.advance_to(self._clock.now_ns + seconds_to_ns(advance))


def exchange_loops() -> None:
    """Make every new loop of this process ours."""
    policy: Any = asyncio.DefaultEventLoopPolicy
    policy._loop_factory = CountedLoop
    asyncio.BaseEventLoop = CountedLoop  # type: ignore[misc]
    utils: Any = importlib.import_module("test.test_asyncio.utils")
    utils.TestLoop = TimedLoop


def repeat_for_ours(name: str, module: Any) -> None:
    """Add to a module of CPython's the tests of tasks or futures, for `VirtualTask` and ours."""
    if name.endswith("test_tasks"):
        bases = (module.BaseTaskTests, module.SetMethodsTest, module.test_utils.TestCase)
        ours: dict[str, Any] = {"Task": VirtualTask, "Future": VirtualFuture}
        module.VirtualTaskTests = type("VirtualTaskTests", bases, {**ours, "__module__": name})
    if name.endswith("test_futures"):
        two_bases = (module.BaseFutureTests, module.test_utils.TestCase)
        future: Any = staticmethod(lambda *, loop=None: VirtualFuture(loop=loop))
        body = {"cls": VirtualFuture, "__module__": name, "_new_future": future}
        module.VirtualFutureTests = type("VirtualFutureTests", two_bases, body)


def tests_of(suite: unittest.TestSuite) -> Iterator[unittest.TestCase]:
    for member in suite:
        if isinstance(member, unittest.TestSuite):
            yield from tests_of(member)
        else:
            yield member


class Recorder(unittest.TestResult):
    """Outcomes by test id; a failed subtest fails its test."""

    def __init__(self) -> None:
        super().__init__()
        self.outcomes: dict[str, tuple[str, int, str]] = {}
        self._made_before = 0

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self._made_before = made

    def _note(self, test: unittest.TestCase, outcome: str, text: str = "") -> None:
        if self.outcomes.get(test.id(), ("",))[0] != "failed":
            self.outcomes[test.id()] = (outcome, made - self._made_before, text)

    def addSuccess(self, test: unittest.TestCase) -> None:
        self._note(test, "passed")

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._note(test, "passed")

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        self._note(test, "failed", "unexpected success")

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        self._note(test, "skipped", reason)

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        self._note(test, "failed", self._exc_info_to_string(err, test))  # type: ignore[attr-defined]

    addError = addFailure

    def addSubTest(self, test: unittest.TestCase, subtest: Any, err: Any) -> None:
        if err is not None:
            self.addFailure(test, err)


def run(modules: list[str], only: str = "") -> dict[str, tuple[str, int, str]]:
    exchange_loops()
    recorder = Recorder()
    imported = [(name, importlib.import_module(name)) for name in modules]
    gc.collect()
    gc.freeze()  # the tests collect garbage a thousand times
    for name, module in imported:
        repeat_for_ours(name, module)
        suite = unittest.defaultTestLoader.loadTestsFromModule(module)
        if only:
            suite = unittest.TestSuite(test for test in tests_of(suite) if only in test.id())
        suite.run(recorder)
    return recorder.outcomes


if __name__ == "__main__":
    arguments = sys.argv[1:]
    filters = [argument[2:] for argument in arguments if argument.startswith("-k")]
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        outcomes = run([a for a in arguments if not a.startswith("-k")], "".join(filters))
    print(json.dumps(outcomes))
