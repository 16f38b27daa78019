"""Facts and notes: what a program says of itself, so that oracles may hold it to that.

Outside of a run with oracles both do nothing.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Protocol, cast

from spectest.errors import UsageError
from spectest.kernel.values import shown
from spectest.watch.present import witness_here

__all__ = ["fact", "note"]


class Lockable(Protocol):
    """A lock, as far as somebody has to know whether it is held."""

    def locked(self) -> bool: ...


def fact(name: str, predicate: Callable[[], object], *, guard: Lockable | None = None) -> None:
    """From now on, whether `predicate()` is true is written into the trace whenever it changes.

    It is asked after each step of a task or callback and whenever a thread gives the processor
    away, first at the end of the present step. In the middle of a step nobody else could see what
    it sees. It must read and change nothing, wait for nothing, and be defined by then. Several
    facts of one name are told apart by number and judged each by itself.

    `guard`: a lock, of threads or of asyncio. While it is held the predicate is not asked, so
    whoever holds it may break what it guards for a while, as in a monitor (Hoare, "Monitors: an
    operating system structuring concept", CACM 17(10), 1974).

    Oracles: `always`, `never`, `eventually` and `leads_to`. Raises `UsageError` for a name that is
    no text or a predicate that cannot be called; a predicate that raises or answers with something
    to await is reported as one when the program has returned.
    """
    _check_name("fact", name)
    if not callable(cast("Any", predicate)) or inspect.iscoroutinefunction(predicate):
        raise UsageError(
            f"fact {name!r}: the predicate must be a plain function without arguments, not "
            f"{predicate!r}\nSay watch.fact({name!r}, lambda: ...)."
        )
    if guard is not None and not callable(getattr(guard, "locked", None)):
        raise UsageError(
            f"fact {name!r}: guard={guard!r} must be a lock that tells whether it is locked(); an "
            "RLock does not before Python 3.14"
        )
    witness = witness_here()
    if witness is not None:
        witness.looks.add(_Fact(witness.numbered("fact", name), predicate, guard))


def note(name: str, value: Any) -> None:
    """Write `value` into the trace, as a text that is equal for equal values.

    For what does not show in the program's result: which price was quoted, which branch was taken.
    The oracle `determinism` compares it. Raises `UsageError` for a name that is no text.
    """
    _check_name("note", name)
    witness = witness_here()
    if witness is not None:
        witness.emit("note", name, shown(value))


def _check_name(what: str, name: Any) -> None:
    if not isinstance(name, str) or not name:
        raise UsageError(f"{what}: name={name!r} must be a few words, such as 'balance ok'")


class _Fact:
    def __init__(self, label: str, predicate: Callable[[], object], guard: Lockable | None) -> None:
        self._label = label
        self._predicate = predicate
        self._guard = guard
        self._last: bool | None = None

    def __call__(self) -> Iterator[tuple[str, str]]:
        if self._guard is not None and self._guard.locked():
            return
        holds = self._asked()
        if holds is not self._last:
            self._last = holds
            yield self._label, "true" if holds else "false"

    def _asked(self) -> bool:
        try:
            answer = self._predicate()
            if not inspect.isawaitable(answer):
                return bool(answer)
        except Exception as error:
            raise UsageError(
                f"the predicate of the fact {self._label!r} raised {type(error).__name__}: {error}"
                "\nIt is asked after every step; register it when all that it reads is there."
            ) from error
        if inspect.iscoroutine(answer):
            answer.close()
        raise UsageError(
            f"the predicate of the fact {self._label!r} answers with something to await, and a "
            "fact cannot wait; read the state itself"
        )
