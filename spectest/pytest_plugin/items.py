"""An explored test is a pytest item of its own kind, so that nobody else runs its coroutine.

pytest-asyncio claims what is a coroutine function, at collection; this item has taken its place by
then. It calls the same function with the same arguments in every execution.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import signal
import sys
import threading
import unittest
from collections.abc import Callable, Iterator
from types import FrameType, MethodType, TracebackType
from typing import TYPE_CHECKING, Any

import pytest

from spectest.pytest_plugin import fixtures, options

if TYPE_CHECKING:
    from spectest.exploration.results import Report
    from spectest.exploration.settings import Settings

__all__ = ["ExploredFunction", "convert", "without_coroutine"]


class ExploredFunction(pytest.Function):
    """Runs its function many times, or once in real time when spectest is off."""

    explores = True
    settings: Settings
    reports: list[Report]
    deferred: list[fixtures.Deferred]
    _last_program: Callable[[], Any] | None = None
    _traceback: TracebackType | None = None

    @property
    def target(self) -> Any:
        """The test function as its author wrote it, without @given and without our decorator."""
        from spectest.testing import marking_of

        handle = getattr(self.obj, "hypothesis", None)
        target = self.obj if handle is None else handle.inner_test
        marking = marking_of(target)
        if marking is None:
            return target
        owner = getattr(target, "__self__", None)
        return marking.function if owner is None else MethodType(marking.function, owner)

    @property
    def is_async(self) -> bool:
        return inspect.iscoroutinefunction(self.target)

    def get_closest_marker(self, name: str, default: Any = None) -> Any:
        """As for every item, but the `asyncio` marker is not for this one."""
        return default if name == "asyncio" else super().get_closest_marker(name, default)

    def setup(self) -> None:
        self.reports = []
        self.deferred = []
        if self.is_async:
            fixtures.refuse_wider_scopes(self)
        super().setup()

    def runtest(self) -> None:
        __tracebackhide__ = True
        with contextlib.ExitStack() as stack:
            patch = stack.enter_context(pytest.MonkeyPatch.context())
            handle = getattr(self.obj, "hypothesis", None)
            if handle is None:
                patch.setattr(self, "obj", self._explorer(self.target, given=False))
            else:
                patch.setattr(handle, "inner_test", self._explorer(self.target, given=True))
                _suit_hypothesis(getattr(self.obj, "__func__", self.obj), patch)
            stack.enter_context(_timeouts_pass())
            super().runtest()

    def _explorer(self, target: Any, *, given: bool) -> Callable[..., None]:
        from spectest.testing import bound, check

        settings = self.settings
        if given:
            # Hypothesis keeps its own failures, and confirms nothing while it shrinks.
            settings = settings.changed(confirm=False, database=False)
        mode = options.mode_of(self.config)
        forget = functools.partial(_forget_output, self.config.pluginmanager)

        @functools.wraps(target)
        def explore_all(*args: Any, **kwargs: Any) -> None:
            __tracebackhide__ = True
            once = bound(target, args, kwargs)
            if self.deferred:
                once = functools.update_wrapper(
                    functools.partial(fixtures.call, target, args, kwargs, self.deferred), target
                )
            if mode == "off":
                _run_in_real_time(once)
                return
            self._last_program = _preceded(once, forget)
            check(
                self._last_program,
                settings,
                name=self.nodeid,
                root=self.config.rootpath,
                mode="once" if mode == "once" else "explore",
                token=self.config.getoption("spectest_replay"),
                must_meet=not hasattr(self.obj, "hypothesis"),
                tell=self._tell,
            )

        return explore_all

    def _tell(self, report: Report) -> None:
        self.reports.append(report)
        if report.failure is not None:
            self._traceback = report.failure.error.__traceback__

    @contextlib.contextmanager
    def as_it_was_raised(self, report: Report) -> Iterator[None]:
        """The report looks for the user's line where pytest has added frames of its own."""
        assert report.failure is not None
        error = report.failure.error
        traceback = error.__traceback__
        try:
            error.__traceback__ = self._traceback
            yield
        finally:
            error.__traceback__ = traceback

    def failing_report(self, error: BaseException) -> Report | None:
        """The report that `error` came with; confirmed now if it had to wait for Hypothesis."""
        from spectest.testing import confirmed

        raised = [error, *(error.exceptions if isinstance(error, BaseExceptionGroup) else ())]
        report = next((one for one in reversed(self.reports) if one.failure is not None), None)
        if report is None or report.failure is None:
            return None
        if not any(report.failure.error is one for one in raised):
            return None
        waiting = self.settings.confirm and not report.settings.confirm
        if waiting and report is self.reports[-1] and self._last_program is not None:
            with self.as_it_was_raised(report):
                return confirmed(self._last_program, report)
        return report

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        from spectest.errors import SpectestError

        error = excinfo.value
        if isinstance(error, SpectestError) and not _has_frames_of_the_user(error):
            return self._repr_without_frames(error)
        return super().repr_failure(excinfo)

    def _repr_without_frames(self, error: BaseException) -> Any:
        """Where no line of the user's is to blame, no line of ours is shown instead."""
        from _pytest._code.code import ExceptionChainRepr, ReprFileLocation, ReprTracebackNative

        name = type(error).__name__
        text = "\n".join([f"{name}: {error}", *getattr(error, "__notes__", ())])
        lines = [f"E   {line}\n" for line in text.splitlines()]
        _, line, _ = self.reportinfo()
        crash = ReprFileLocation(str(self.path), (line or 0) + 1, f"{name}: {error}")
        chain: list[Any] = [(ReprTracebackNative(lines), crash, None)]
        cause = error.__cause__
        if cause is not None and cause.__traceback__ is not None:
            shown = super().repr_failure(pytest.ExceptionInfo.from_exception(cause))
            if isinstance(shown, ExceptionChainRepr):
                (*first, (traceback, where, _)) = shown.chain
                cause_shown = (traceback, where, f"Nobody handled it, therefore {name}:")
                chain = [*first, cause_shown, *chain]
        return ExceptionChainRepr(chain)


def _has_frames_of_the_user(error: BaseException) -> bool:
    from spectest.source.lines import PLATFORM, kind_of_file

    traceback = error.__traceback__
    while traceback is not None:
        filename = traceback.tb_frame.f_code.co_filename
        of_pytest = "_pytest" in filename or "pluggy" in filename
        if not of_pytest and kind_of_file(filename) != PLATFORM:
            return True
        traceback = traceback.tb_next
    return False


def _preceded(program: Callable[[], Any], before: Callable[[], None]) -> Callable[[], Any]:
    @functools.wraps(program)
    def preceded() -> Any:
        before()
        return program()

    return preceded


def _run_in_real_time(program: Callable[[], Any]) -> None:
    import asyncio

    from spectest.promises import parts_of

    async def run(main: Any, check: Callable[[], Any] | None) -> None:
        await main
        verdict = None if check is None else check()
        if inspect.iscoroutine(verdict):
            await verdict

    main, check = parts_of(program())
    if inspect.iscoroutine(main):
        asyncio.run(run(main, check))


def _forget_output(plugins: pytest.PytestPluginManager) -> None:
    """What earlier executions printed and logged is not of interest."""
    capture = plugins.getplugin("capturemanager")
    if capture is not None and capture.is_globally_capturing():
        capture.read_global_capture()
    used = getattr(capture, "_capture_fixture", None)
    if used is not None:
        used.readouterr()
    logs = plugins.getplugin("logging-plugin")
    if logs is not None:
        logs.caplog_handler.clear()
        logs.report_handler.reset()


def _suit_hypothesis(test: Any, patch: pytest.MonkeyPatch) -> None:
    """No deadline, which counts real time, and no explanations, which would name lines of ours."""
    hypothesis: Any = sys.modules["hypothesis"]
    attribute = "_hypothesis_internal_use_settings"
    chosen = getattr(test, attribute, None) or hypothesis.settings.default
    phases = [phase for phase in chosen.phases if phase is not hypothesis.Phase.explain]
    suited = hypothesis.settings(parent=chosen, deadline=None, phases=phases)
    patch.setattr(test, attribute, suited, raising=False)


# How long after an alarm that was lost the next one follows.
_AGAIN_S = 0.01


class _TimedOut(KeyboardInterrupt):
    """Carries the error of an alarm (pytest-timeout's) through program and search."""

    error: BaseException


@contextlib.contextmanager
def _timeouts_pass() -> Iterator[None]:
    """An alarm that goes off in an execution ends the test, and is no failure of the program."""
    main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGALRM) if main and hasattr(signal, "SIGALRM") else None
    if not callable(handler):
        yield
        return

    timed_out = _TimedOut()

    def passing(number: int, frame: FrameType | None) -> None:
        if not hasattr(timed_out, "error"):
            try:
                handler(number, frame)
            except BaseException as error:
                timed_out.error = error
        if hasattr(timed_out, "error"):
            raise timed_out from None

    signal.signal(signal.SIGALRM, passing)
    try:
        with _rung_again_if_lost(timed_out):
            yield
    except _TimedOut:
        raise timed_out.error from None
    finally:
        if signal.getsignal(signal.SIGALRM) is passing:
            signal.signal(signal.SIGALRM, handler)


@contextlib.contextmanager
def _rung_again_if_lost(timed_out: _TimedOut) -> Iterator[None]:
    """What is raised in a finalizer, or in the callback of a weak reference, is lost."""
    previous = sys.unraisablehook

    def ring_again(unraisable: sys.UnraisableHookArgs) -> None:
        if unraisable.exc_value is timed_out:
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        else:
            previous(unraisable)

    sys.unraisablehook = ring_again
    try:
        yield
    finally:
        if sys.unraisablehook is ring_again:
            sys.unraisablehook = previous


# Collection.


def convert(node: Any) -> Any:
    """The item to run in the place of `node`, a test function that is marked."""
    if node.cls is not None and issubclass(node.cls, unittest.TestCase):
        raise pytest.Collector.CollectError(
            f"UsageError: {node.nodeid}: a method of unittest.TestCase cannot be explored; "
            "make it a function or a method of a plain class"
        )
    item = ExploredFunction.from_parent(
        node.parent,
        name=node.name,
        callspec=getattr(node, "callspec", None),
        fixtureinfo=node._fixtureinfo,
        keywords=node.keywords,
        originalname=node.originalname,
    )
    item.own_markers = node.own_markers
    item.settings = _settings_for(item)
    return item


def _settings_for(item: ExploredFunction) -> Settings:
    from spectest.errors import UsageError
    from spectest.exploration.settings import Settings
    from spectest.testing import marking_of

    target = getattr(getattr(item.obj, "hypothesis", None), "inner_test", item.obj)
    marking = marking_of(target)
    marked = dict(marking.settings) if marking is not None else {}
    marks = list(item.iter_markers("spectest"))
    try:
        Settings.of(options.from_ini(item.config))
    except UsageError as error:
        complaint = f"UsageError: in the ini file: spectest_{error}"
        raise pytest.Collector.CollectError(complaint) from error
    try:
        for mark in reversed(marks):
            if mark.args:
                raise UsageError(f"mark.spectest takes keywords only, not {mark.args[0]!r}")
            marked.update(mark.kwargs)
        return Settings.of(options.settings_of(item.config, marked))
    except (UsageError, TypeError) as error:
        raise pytest.Collector.CollectError(f"UsageError: {item.nodeid}: {error}") from error


@contextlib.contextmanager
def without_coroutine(definition: pytest.Function) -> Iterator[None]:
    """Hide that the test is async, so that nobody parametrises it with loops."""

    def sync() -> None: ...

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(definition, "obj", sync)
        yield
