"""Looking at facts whenever one of the program's tasks or threads has made a step.

In the middle of a step of a task nobody else can see its state, so nobody looks there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, cast

from spectest.errors import UsageError
from spectest.kernel.trace import SourceLine
from spectest.threads.agents import Agent, Stage, current

__all__ = ["Look", "Looks"]

Look = Callable[[], Iterable[tuple[str, str]]]
"""Looks, and says what has changed: the label of a fact, and what it is now."""


class Looks:
    """What is looked at after every step, in the order in which it was added.

    `misuse`: the first error about something that cannot be looked at; it is raised when the
    program has returned.
    """

    def __init__(self) -> None:
        self.misuse: UsageError | None = None
        self._looks: list[Look] = []

    def add(self, look: Look) -> None:
        """From the end of this step on, `look` is called after every one."""
        self._looks.append(look)

    def remove(self, look: Look) -> None:
        """`look` is not called any more."""
        if look in self._looks:
            self._looks.remove(look)

    def check(self) -> None:
        """Raise the misuse, if there was any."""
        if self.misuse is not None:
            raise self.misuse

    def after(
        self, emit: Callable[..., object], speaker: str, where: Callable[[], SourceLine]
    ) -> None:
        """The task or thread `speaker` has made a step and stands at `where`."""
        for look in tuple(self._looks):
            try:
                with _apart():
                    changes = list(look())
            except UsageError as misuse:
                self.misuse = self.misuse or misuse
                self.remove(look)
                continue
            for label, now in changes:
                emit("fact", label, task=speaker, where=where(), detail=now)


@contextmanager
def _apart() -> Iterator[None]:
    """What runs in the block comes to no choice point, and cannot wait."""
    agent = current()
    if agent is None:
        yield
        return
    baton = agent.baton
    agent.baton = cast("Stage", _Still(baton))
    try:
        yield
    finally:
        agent.baton = baton


class _Still:
    """In the place of the baton of a thread that looks: its clock, and no way to give it on."""

    def __init__(self, baton: Stage) -> None:
        self._baton = baton

    def __getattr__(self, name: str) -> Any:
        return getattr(self._baton, name)

    def point(self, agent: Agent) -> None:
        """Nobody may go first."""

    def look_in_vain(self, agent: Agent, weight: int = 1) -> None:
        """No time passes."""

    def look_at_clock(self, agent: Agent) -> None:
        """Likewise."""

    def alarm(self, agent: Agent, name: str, seconds: float) -> None:
        """It has perhaps one of its own, for the wait in which it is."""

    def silence(self, agent: Agent) -> None:
        """That one has to go off."""

    def wait(self, agent: Agent, *what: Any, **how: Any) -> NoReturn:
        del agent, what, how
        raise UsageError(
            "it would have to wait, and nobody goes on while a fact is asked; read the state "
            "itself, and name its lock as guard="
        )

    rest = sleep = operate = perform = start = wait
