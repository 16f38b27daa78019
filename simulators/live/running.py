"""One world for all requests of a run, and what is made of what the pipeline returns or raises."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import spectest
from simulators.errors import ScenarioError
from simulators.live.calls import ASKING, Services
from simulators.live.remote import Remote
from simulators.live.turns import LAST, Turns
from simulators.live.visits import CallFailed, Reply, Visit
from simulators.places import place_of
from simulators.ticks import TICKS
from spectest import patterns

__all__ = ["Run"]

_STEPS = logging.getLogger("spectest.patterns.steps")


class Run:
    """All requests of `remote`, by a pipeline whose `name` errors mention."""

    def __init__(self, remote: Remote, pipeline: Callable[[Services, int], Any], name: str) -> None:
        self.remote = remote
        self.pipeline = pipeline
        self.name = name
        self._finished = False
        self._tasks: set[asyncio.Task[None]] = set()

    def in_world(self, seed: int, *, deaf: bool) -> None:
        """Until all are answered. `deaf`: nobody has to hear what patterns log."""
        with _drops_heard():
            try:
                spectest.run(
                    lambda: self._main(deaf=deaf),
                    order="strict",
                    seed=int(seed),
                    leaks="ignore",
                    max_steps=10**12,
                    max_steps_at_once=10**5 + 10**3 * self.remote.n,
                    max_virtual_s=LAST / TICKS,
                )
            except spectest.Violation as error:
                # Afterwards, a failed loser that nobody looked at, say, changes no answer.
                if not self._finished:
                    raise self._unanswered(error) from error

    async def _main(self, *, deaf: bool) -> None:
        _STEPS.disabled = deaf
        turns = Turns(self.remote, asyncio.get_running_loop())
        self.remote.arrives = self._in_thread if self.remote.threads else self._in_task
        turns.stir()
        await turns.over
        self._finished = True

    # A request.

    def _in_task(self, visit: Visit) -> None:
        services, name = Services(self.remote, visit), f"request {visit.number}"
        task = asyncio.get_running_loop().create_task(
            self._awaited(services), name=name, context=_context_of(services)
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _in_thread(self, visit: Visit) -> None:
        services, name = Services(self.remote, visit), f"request {visit.number}"
        target, arguments = _context_of(services).run, (self._called, services)
        threading.Thread(target=target, args=arguments, name=name, daemon=True).start()

    async def _awaited(self, services: Services) -> None:
        visit = services.visit
        try:
            self._returned(visit, await self.pipeline(services, visit.number))
        except Exception as error:  # noqa: BLE001 - told in one line
            self._raised(visit, error)
        except asyncio.CancelledError as error:
            self._raised(visit, error)
            raise

    def _called(self, services: Services) -> None:
        visit = services.visit
        try:
            self._returned(visit, self.pipeline(services, visit.number))
        except Exception as error:  # noqa: BLE001 - told in one line
            self._raised(visit, error)

    def _returned(self, visit: Visit, value: Any) -> None:
        if value is None:
            self.remote.decided(visit, None)
            return
        reply = value.value if isinstance(value, patterns.Answer) else value
        if not isinstance(reply, Reply) or reply.request != visit.number:
            why = f"returned {_shown(value)} for request {visit.number}, which no service gave it"
            remedy = "return the Reply of a service, or None if there is no answer"
            raise ScenarioError("pipeline", self.name, why, remedy)
        self.remote.decided(visit, self.remote.index_of(reply.branch))

    def _raised(self, visit: Visit, error: BaseException) -> None:
        if _is_no_answer(error):
            self.remote.decided(visit, None)
        elif isinstance(error, ScenarioError):
            self.remote.fail(error)
        else:
            place = place_of(error)
            at = "" if place is None else f", at {place}"
            why = f"raised {_shown(error)} for request {visit.number}{at}"
            remedy = "mend it, or return None if the request is to be given up"
            failure = ScenarioError("pipeline", self.name, why, remedy)
            failure.__cause__ = error
            self.remote.fail(failure)

    def _unanswered(self, error: Exception) -> ScenarioError:
        numbers = sorted(self.remote.visits)
        which = f"request {numbers[0]}" if numbers else "any request"
        told = [line.strip() for line in str(error).splitlines()]
        where = next((line for line in told if line.startswith(f"{which} ")), told[0])
        why = f"never answers {which} ({where})"
        remedy = "let it return, or raise TimeoutError, when nothing more will come"
        return ScenarioError("pipeline", self.name, why, remedy)


def _context_of(services: Services) -> contextvars.Context:
    context = contextvars.copy_context()
    context.run(ASKING.set, services)
    return context


def _is_no_answer(error: BaseException) -> bool:
    """Whether it says that no branch has answered: that is no mistake of the pipeline."""
    if isinstance(error, BaseExceptionGroup) and not isinstance(error, patterns.AllBranchesFailed):
        return all(map(_is_no_answer, error.exceptions))
    return isinstance(error, CallFailed | TimeoutError | patterns.AllBranchesFailed)


def _shown(value: object) -> str:
    if isinstance(value, BaseException):
        told = " ".join(str(value).split())
        return f"{type(value).__name__}: {told}" if told else type(value).__name__
    return f"a {type(value).__name__}"


@contextmanager
def _drops_heard() -> Iterator[None]:
    """Nobody outside sees what a limiter has dropped; patterns log it."""

    def hears(record: logging.LogRecord) -> bool:
        step, asking = getattr(record, "speculation", None) or {}, ASKING.get()
        dropped = step.get("kind") == "outcome" and step["detail"] == "dropped"
        if dropped and asking is not None and step["branch"] in asking:
            asking.remote.dropped(asking.visit, asking.remote.index_of(step["branch"]))
        return True

    before = _STEPS.disabled
    _STEPS.addFilter(hears)
    try:
        yield
    finally:
        _STEPS.removeFilter(hears)
        _STEPS.disabled = before
