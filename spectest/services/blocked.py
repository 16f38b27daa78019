"""How a service works on a call that blocks a thread, which nobody can cancel."""

from __future__ import annotations

import inspect
import threading
import time
from typing import Any

from spectest.errors import UsageError
from spectest.faults import Duplicate
from spectest.kernel.clock import NANOSECONDS, seconds_to_ns
from spectest.services.desk import Desk, Request
from spectest.services.options import Interval
from spectest.source.names import Spoken
from spectest.threads.agents import Agent, current

__all__ = ["BlockingWork"]


class BlockingWork(Spoken):
    """One call, in the thread that makes it."""

    def __init__(self, desk: Desk, request: Request) -> None:
        self._desk = desk
        self._request = request
        self._agent = current()
        self._free: threading.Event | None = None if self._agent else threading.Event()

    @property
    def waited_for(self) -> str:
        return self._desk.waited_for(self._request)

    def answer(self) -> Any:
        """Wait until the service is done; what it answers or raises."""
        desk, request = self._desk, self._request
        try:
            self._wait_for_place()
            self._work()
        except BaseException:  # The thread itself is interrupted, or its world has ended.
            self._leave()
            raise
        if desk.finishes(request):
            assert isinstance(request.fault, Duplicate)
            self._deliver_again((seconds_to_ns(request.fault.later),) * 3)
        try:
            answer = desk.outcome(request)
            if callable(answer):
                answer = answer(*request.call.args, **request.call.kwargs)
        except Exception as error:
            desk.failed(request, error)
            raise
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            raise UsageError(
                f"FakeService {desk.options.name!r} answers with something to await; its blocking "
                "face cannot wait for it"
            )
        return desk.answers(request, answer)

    def _begin(self) -> None:
        self._desk.begins(self._request)
        if self._free is not None:
            self._free.set()
        elif self._agent is not None:
            self._agent.baton.wake(self._agent)

    def _wait_for_place(self) -> None:
        agent = self._agent
        self._desk.capacity.take(self._begin)
        if self._free is not None:
            self._free.wait()
        while agent is not None and self._request.call.worked_from is None:
            agent.baton.wait(agent)

    def _work(self) -> None:
        if self._agent is not None:
            _perform(self._agent, self._request.call.name, self._request.ns)
        else:
            time.sleep(self._request.ns[1] / NANOSECONDS)

    def _leave(self) -> None:
        self._desk.given_up(self._request)
        if self._request.call.worked_from is None:
            self._desk.capacity.leave(self._begin)
        self._desk.stops(self._request)

    def _deliver_again(self, later: Interval) -> None:
        """In a thread of the world's own; outside of worlds nothing is delivered twice."""
        label = f"{self._request.call.name} again"

        def again() -> None:
            agent = current()
            assert agent is not None
            _perform(agent, label, later)
            self._desk.write(self._request.call, repeated=True)

        threading.Thread(target=again, name=label, daemon=True).start()


def _perform(agent: Agent, label: str, ns: Interval) -> None:
    agent.baton.perform(agent, "call", label, ns)
