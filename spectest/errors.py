"""Every error spectest raises, grouped by who has to act.

One base, `SpectestError`. `UsageError` is for the author of the test, `RealWorldError` for code
that left the closed world, `NondeterminismError` for a source of chance that the run does not own,
`Violation` says that a bug was found, `InternalError` that the bug is ours.

A message says what happened, where in the user's code, why that breaks the run, and what to do
instead. Errors carry their facts as fields and survive pickling, so that they can travel between
processes.
"""

from __future__ import annotations

from typing import Any

__all__ = [
    "CallbackFailure",
    "CancellationSwallowed",
    "Deadlock",
    "InternalError",
    "Livelock",
    "NondeterminismError",
    "OracleViolation",
    "RealWorldError",
    "SpectestError",
    "TaskLeaked",
    "ThreadFailure",
    "ThreadLeaked",
    "TokenError",
    "UnretrievedException",
    "UsageError",
    "Violation",
]


def _rebuild(cls: type[SpectestError], message: str, state: dict[str, Any]) -> SpectestError:
    error = cls.__new__(cls, message)
    error.__dict__.update(state)
    error.args = (message,)
    return error


class SpectestError(Exception):
    """Base of all errors of this package.

    Field `slow`: it took seconds of real time to notice, so it is not repeated more than needed.
    """

    slow: bool = False

    def __init__(self, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.__dict__.update(fields)

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), str(self), dict(self.__dict__))


class UsageError(SpectestError):
    """A setting, a plan or a program handed to spectest cannot mean anything."""


class TokenError(UsageError):
    """A replay token is corrupted, foreign, or newer than this version.

    Field `token`: the text as given.
    """

    token: str


class RealWorldError(SpectestError):
    """The program tried to leave the closed world (a socket, a subprocess, a signal).

    Fields `call`: the call that was refused; `where`: the user's line, or None.
    """

    call: str
    where: str | None


class NondeterminismError(SpectestError):
    """Two runs of the same plan differed: the program has a source of chance spectest does not own.

    Fields `index`: number of the first event that differs; `first` and `second`: that event in
    each run, None where a run had already ended.
    """

    index: int
    first: str | None
    second: str | None


class Violation(SpectestError, AssertionError):
    """A promise was broken. The subclasses are the promises every program makes."""


class Deadlock(Violation):
    """Nothing can ever run again, and the program has not finished.

    Field `blocked`: one line for each blocked task: what it awaits, and who holds it.
    """

    blocked: tuple[str, ...]


class Livelock(Violation):
    """The program goes on for ever without finishing: a budget of steps or of virtual time ran out.

    Field `spinner`: the task that ran most often, or None.
    """

    spinner: str | None


class TaskLeaked(Violation):
    """A task was still there when all that could happen after the program's return had happened.

    Field `tasks`: one line for each of them.
    """

    tasks: tuple[str, ...]


class ThreadLeaked(Violation):
    """A thread was still there when all that could happen after the program's return had happened.

    Field `threads`: one line for each of them. Daemons, threads that libraries started and idle
    workers of thread pools may stay.
    """

    threads: tuple[str, ...]


class ThreadFailure(Violation):
    """A thread ended with an exception, of which nobody ever hears.

    The exception itself is the `__cause__`. Field `thread`: the name of the thread.
    """

    thread: str


class UnretrievedException(Violation):
    """A task or future failed, and nobody ever asked for its result.

    The exception itself is the `__cause__`. Field `task`: the name of the task or future.
    """

    task: str


class CallbackFailure(Violation):
    """A callback (`call_soon`, `call_later`, `add_done_callback`) raised.

    The exception itself is the `__cause__`. Field `callback`: its name.
    """

    callback: str


class CancellationSwallowed(Violation):
    """A sweep cancelled the program, or let a timeout around it expire, and it returned.

    Field `task`: the name of its task.
    """

    task: str


class OracleViolation(Violation):
    """An oracle of `spectest.oracles` found a promise broken.

    Fields `oracle`: its name; `finding`: which of its promises, in a few words; `verdicts`: all
    that the oracles of the run found, the one of the message first.
    """

    oracle: str
    finding: str
    verdicts: tuple[Any, ...]


class InternalError(SpectestError):
    """spectest broke one of its own promises. Please report it together with the message."""
