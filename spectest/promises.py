"""What every program promises: no task and no thread outlives it, no failure goes unheard.

The judgement at the end of an execution, of what is left and of what went wrong meanwhile.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from spectest.errors import (
    CallbackFailure,
    TaskLeaked,
    ThreadFailure,
    ThreadLeaked,
    UnretrievedException,
    UsageError,
    Violation,
)
from spectest.eventloop.loop import VirtualEventLoop
from spectest.eventloop.waiting import describe, label_of
from spectest.source.lines import raised_at, shown_line
from spectest.threads.lives import Threads
from spectest.threads.waiting import describe as describe_threads

__all__ = ["judge_loop", "judge_threads", "parts_of"]


def parts_of(result: Any) -> tuple[Any, Callable[[], Any] | None]:
    """What a program returned; and if that is a coroutine and a check, the two of them.

    The check is a promise of the program's own: it is called when the coroutine has ended. Raises
    `UsageError` for a generator, of which nothing has run.
    """
    if inspect.isgenerator(result) or inspect.isasyncgen(result):
        raise UsageError(
            f"the program yields: calling it runs nothing of `{result.__qualname__}`.\n"
            "It must be a coroutine function or a function that does its own waiting."
        )
    if isinstance(result, tuple) and len(result) == 2:
        coroutine, check = result
        if inspect.iscoroutine(coroutine) and callable(check):
            return coroutine, check
    return result, None


def judge_loop(loop: VirtualEventLoop, *, leaks: bool) -> None:
    """Raise the first promise that the program of `loop` broke."""
    if loop.escape is not None:
        raise loop.escape
    for context in loop.callback_failures:
        raise _failure_of(context)
    alive = [t for t in loop.tasks if not t.done() and id(t) not in loop.background]
    if alive and leaks and not loop.is_closed():
        lines = describe(alive)
        raise TaskLeaked(
            "the program returned and left behind:\n"
            + "\n".join(f"  {line}" for line in lines)
            + f"\n{_remedy(alive)}",
            tasks=tuple(lines),
        )
    for future in [*loop.tasks, *loop.failed_futures]:
        if future.done() and not future.cancelled() and future._log_traceback:
            raise _unretrieved(future)


def judge_threads(threads: Threads, *, leaks: bool) -> None:
    """Raise the first promise that the threads of a program broke."""
    if threads.verdict is not None:
        raise threads.verdict
    for agent, error in threads.failures:
        failure = ThreadFailure(
            f"the thread {agent.name} raised {_described(error)},\n"
            "and nobody will ever know: joining a thread does not tell. Catch it inside, or "
            "use an executor, whose futures hand it on.",
            thread=agent.name,
        )
        failure.__cause__ = error
        raise failure
    left = [agent for agent in threads.others if not (agent.daemon or agent.from_library)]
    if left and leaks:
        lines = describe_threads(left)
        raise ThreadLeaked(
            "the program returned and left behind:\n"
            + "\n".join(f"  {line}" for line in lines)
            + "\nTell it to end and join it before returning, make it a daemon, or say "
            "leaks='ignore'.",
            threads=tuple(lines),
        )


def _failure_of(context: dict[str, Any]) -> Violation:
    error = context.get("exception")
    future = context.get("future") or context.get("task")
    if "never retrieved" in context["message"] and future is not None:
        return _unretrieved(future)
    handle = context.get("handle")
    if handle is None or error is None:
        failure = CallbackFailure(f"{context['message']}: {error!r}", callback="")
    else:
        callback = getattr(handle._callback, "__qualname__", type(handle._callback).__name__)
        failure = CallbackFailure(
            f"the callback {callback} raised {_described(error)}.\n"
            "asyncio only logs it, so what the callback was for did not happen and nobody knows.\n"
            "Let it handle what it raises, or await a task that does its work.",
            callback=callback,
        )
    failure.__cause__ = error
    return failure


def _unretrieved(future: asyncio.Future[Any]) -> UnretrievedException:
    error = future.exception()
    assert error is not None
    label = label_of(future) if isinstance(future, asyncio.Task) else "a future"
    ended = "raised" if isinstance(future, asyncio.Task) else "ended with"
    violation = UnretrievedException(
        f"{label} {ended} {_described(error)},\n"
        "and nobody ever asked for its result. Await it, or look at its exception().",
        task=label,
    )
    violation.__cause__ = error
    return violation


def _described(error: BaseException) -> str:
    line = raised_at(error)
    place = f" at {shown_line(line)}" if line else ""
    return f"{type(error).__name__}: {error}{place}"


def _remedy(alive: Sequence[asyncio.Task[Any]]) -> str:
    deaf = [label_of(task) for task in alive if task.cancelling()]
    if not deaf:
        return "Cancel and await it before returning, or say leaks='ignore'."
    return (
        f"Cancelled, but still there: {', '.join(deaf)}. A task that catches CancelledError must "
        "raise it again; or say leaks='ignore'."
    )
