"""Only the winner acts: what branches want done is kept, and done once the winner is known.

A branch that writes to a database or sends a message has done so even if it loses, and a cancelled
one may have done half of it. Called through `stage`, the effect is kept with its arguments; after
the decision `commit` calls the winner's effects, each exactly once and in order, and those of the
others are dropped. A stage that was dropped can never be committed, and none is committed twice.

Inside a branch of another speculation, a commit hands the effects to that branch's stage: they are
called if it wins, too.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from spectest.patterns.naming import name_of, shown

__all__ = [
    "CommitFailed",
    "Effect",
    "Stage",
    "UnpicklableEffect",
    "commit",
    "commit_async",
    "in_copied_context",
    "stage",
    "staging",
]

Result = TypeVar("Result")

_bound: ContextVar[Stage | None] = ContextVar("spectest.patterns.staging", default=None)


@dataclass(frozen=True, slots=True)
class Effect:
    """One call that waits for the decision."""

    function: Callable[..., Any]
    args: tuple[Any, ...] = ()
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The name of the function, or of its class if it has none."""
        return name_of(self.function)

    def call(self) -> Any:
        return self.function(*self.args, **self.kwargs)


class CommitFailed(Exception):
    """An effect of the winner raised; its exception is the cause. Those after it were not called.

    Fields `owner`: the branch; `effect`: the one that raised; `done`: those called before it, in
    order; `left`: those that were not called. `effect.call()` calls one of them.
    """

    def __init__(
        self, owner: str, effect: Effect, done: tuple[Effect, ...], left: tuple[Effect, ...]
    ) -> None:
        super().__init__(owner, effect, done, left)
        self.owner = owner
        self.effect = effect
        self.done = done
        self.left = left

    def __str__(self) -> str:
        total = len(self.done) + 1 + len(self.left)
        return (
            f"effect {len(self.done) + 1} of {total} of branch {self.owner!r}, "
            f"{self.effect.name}, raised; called before it: {_names(self.done)}; not called: "
            f"{_names(self.left)}. Undo what is in .done, or call what is in .left"
        )


class UnpicklableEffect(TypeError):
    """An effect cannot travel from the process of its branch to that of the caller.

    Fields `owner`: the branch; `effect`: the name of the function; `why`: what pickle says.
    """

    def __init__(self, owner: str, effect: str, why: str) -> None:
        super().__init__(owner, effect, why)
        self.owner = owner
        self.effect = effect
        self.why = why

    def __str__(self) -> str:
        return (
            f"branch {self.owner!r} staged {self.effect}, which cannot be pickled ({self.why}); "
            "stage a function of a module with plain arguments, and open files and connections "
            "inside it"
        )


class Stage:
    """The effects of one attempt.

    `owner`: the branch. `plain`: coroutine functions are refused, for nobody will await them.
    """

    def __init__(self, owner: str, *, plain: bool = False) -> None:
        self.owner = owner
        self.plain = plain
        self.ignored = 0
        """How often the branch staged something after it had lost."""
        self._lock = threading.Lock()
        self._state = "open"
        self._effects: list[Effect] = []
        self._packed: bytes | None = None

    def __repr__(self) -> str:
        return f"<Stage of {self.owner!r}: {self.state}>"

    @property
    def state(self) -> str:
        """`open`, `closed` (the attempt has ended), `committed`, or `dropped`."""
        return self._state

    @property
    def effects(self) -> tuple[Effect, ...]:
        """What is kept. Nothing of a dropped stage is."""
        with self._lock:
            return self._unpacked()

    def _unpacked(self) -> tuple[Effect, ...]:
        if self._packed is not None:
            self._effects, self._packed = pickle.loads(self._packed), None  # noqa: S301
        return tuple(self._effects)

    def add(self, effect: Effect) -> None:
        """Keep an effect; of a branch that has lost, count it and keep nothing."""
        if not callable(effect.function):
            why = "is no function; it is called later: stage(insert, row), not stage(insert(row))"
            raise TypeError(f"stage({shown(effect.function)}) of branch {self.owner!r} {why}")
        if self.plain and _is_coroutine_function(effect.function):
            why = "is a coroutine function; in threads and processes, stage a plain function"
            raise TypeError(f"stage({effect.name}) of branch {self.owner!r}: {effect.name} {why}")
        with self._lock:
            if self._state == "dropped":
                self.ignored += 1
            elif self._state == "open":
                self._effects.append(effect)
            else:
                raise RuntimeError(
                    f"stage({effect.name}) of branch {self.owner!r}, which has returned already; "
                    "await what stages an effect before the branch returns"
                )

    def close(self) -> None:
        """The attempt has ended: nothing more is accepted, and nothing is lost."""
        with self._lock:
            if self._state == "open":
                self._state = "closed"

    def drop(self) -> None:
        """The attempt has lost: forget its effects. Dropping twice is dropping.

        `RuntimeError` if the stage has been committed.
        """
        with self._lock:
            if self._state == "committed":
                raise RuntimeError(f"the stage of branch {self.owner!r} has been committed already")
            self._state = "dropped"
            self._effects, self._packed = [], None

    def take(self) -> tuple[Effect, ...]:
        """The effects, for the only commit that there will be. `RuntimeError` for any further one.

        Of two threads that ask, one gets them.
        """
        with self._lock:
            if self._state in {"committed", "dropped"}:
                raise RuntimeError(
                    f"the stage of branch {self.owner!r} has been {self._state}, so it cannot be "
                    "committed; an effect is called at most once"
                )
            effects = self._unpacked()
            self._state = "committed"
            return effects

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_lock": None, "_effects": [], "_packed": self._pack()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Effects are unpacked when they are asked for: a failure here would break a whole pool."""
        vars(self).update(state)
        self._lock = threading.Lock()

    def _pack(self) -> bytes:
        effects = list(self.effects)
        try:
            return pickle.dumps(effects)
        except Exception as error:
            for effect in effects:
                try:
                    pickle.dumps(effect)
                except Exception as culprit:
                    raise UnpicklableEffect(self.owner, effect.name, str(culprit)) from culprit
            raise UnpicklableEffect(self.owner, _names(effects), str(error)) from error


def stage(effect: Callable[..., Any], /, *args: Any, **kwargs: Any) -> None:
    """Have `effect(*args, **kwargs)` called after the decision, if the branch that asks wins.

    Winners' effects are called exactly once, in the order of staging. Arguments are kept as they
    are, not copied. Coroutine functions are awaited in asyncio and refused elsewhere. A branch that
    has lost already may go on staging; nothing comes of it. `RuntimeError` outside of a branch.
    Threads that the branch starts itself know it if they are started by `asyncio.to_thread` or
    through `in_copied_context`.
    """
    current = _bound.get()
    if current is None:
        name = name_of(effect)
        raise RuntimeError(
            f"stage({name}) was called outside of a branch, so no decision will follow it; call "
            f"{name} itself, or call stage in a function that speculate runs"
        )
    current.add(Effect(effect, args, kwargs))


@contextlib.contextmanager
def staging(owner: str, *, plain: bool = False) -> Iterator[Stage]:
    """For the duration of one attempt, `stage` keeps effects in the stage that is given here.

    Afterwards the stage is closed; if the attempt has raised, it is dropped.
    """
    current = Stage(owner, plain=plain)
    token = _bound.set(current)
    try:
        yield current
    except BaseException:
        current.drop()
        raise
    finally:
        _bound.reset(token)
        current.close()


def in_copied_context(function: Callable[..., Result], /, *args: Any) -> Callable[[], Result]:
    """A function for another thread that calls `function(*args)` in a copy of the present context.

    So a branch in a thread sees the context variables of its caller, and its own changes stay its
    own: executors leave both to chance.
    """
    return functools.partial(copy_context().run, function, *args)


def commit(stage: Stage, before: Callable[[Effect], None] | None = None) -> int:
    """Call every effect of the winner once, in order, and return how many there were.

    `before`: called with each effect just before it. `CommitFailed` if one raises; `RuntimeError`
    if the stage was committed or dropped before. Inside another branch the effects join its stage.
    """
    effects = stage.take()
    if _handed_over(effects):
        return len(effects)
    for number, effect in enumerate(effects):
        with _failing(stage, effects, number):
            if before is not None:
                before(effect)
            result = effect.call()
            if hasattr(result, "__await__"):
                _discard(result)
                why = "returned an awaitable, which nobody awaits here; stage a plain function"
                raise TypeError(f"{effect.name} {why}")
    return len(effects)


async def commit_async(stage: Stage, before: Callable[[Effect], None] | None = None) -> int:
    """As `commit`, in asyncio: what an effect returns is awaited if it can be.

    Cancellation reaches the effect that is being awaited; a note on the `CancelledError` says which
    one, and how many were not called.
    """
    effects = stage.take()
    if _handed_over(effects):
        return len(effects)
    for number, effect in enumerate(effects):
        with _failing(stage, effects, number):
            if before is not None:
                before(effect)
            result = effect.call()
            if hasattr(result, "__await__"):
                await result
    return len(effects)


def _handed_over(effects: tuple[Effect, ...]) -> bool:
    outer = _bound.get()
    if outer is None:
        return False
    for effect in effects:
        outer.add(effect)
    return True


@contextlib.contextmanager
def _failing(stage: Stage, effects: tuple[Effect, ...], number: int) -> Iterator[None]:
    effect, left = effects[number], effects[number + 1 :]
    try:
        yield
    except Exception as error:
        raise CommitFailed(stage.owner, effect, effects[:number], left) from error
    except BaseException as error:
        place = f"effect {number + 1} of {len(effects)} of branch {stage.owner!r}, {effect.name}"
        error.add_note(f"interrupted {place}; not called: {_names(left)}")
        raise


def _names(effects: tuple[Effect, ...] | list[Effect]) -> str:
    return ", ".join(effect.name for effect in effects) or "none"


def _is_coroutine_function(function: Any) -> bool:
    import inspect

    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(function, "__call__", None)  # noqa: B004
    )


def _discard(awaitable: Any) -> None:
    close = getattr(awaitable, "close", None)
    if close is not None:
        close()  # A coroutine that nobody awaits would warn about itself.
