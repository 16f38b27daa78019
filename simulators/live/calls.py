"""What a pipeline sees of the outside: services by name.

Who asks is known by a context variable, which tasks inherit, and threads that are started in a copy
of their context. So a client that is wrapped need not pass anything on.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
from collections.abc import Coroutine, Iterator, Mapping
from typing import Any

from simulators.errors import ScenarioError
from simulators.live.remote import Remote
from simulators.live.visits import Call, Reply, Visit

__all__ = ["ASKING", "Client", "Service", "Services"]


class Service:
    """A branch, to be asked: `await service(...)`, or `service.blocking(...)` in a thread.

    What it is asked does not matter. It waits for a server, takes as long as was drawn for this
    request and this branch, and answers or fails as was drawn. `CallFailed` if there is no answer.
    Cancelling the call has the effect that the scenario says.

    One that a pipeline was given asks for its request. `Service("llm")` may stand anywhere, in the
    place of a real client: the context variable of the request tells who asks.
    """

    def __init__(self, name: str, services: Services | None = None) -> None:
        self.name = name
        self._services = services

    def __repr__(self) -> str:
        return f"Service({self.name!r})"

    def __call__(self, *_: object, **__: object) -> Coroutine[Any, Any, Reply]:
        return self._ask(holding=False)

    def held(self) -> Coroutine[Any, Any, Reply]:
        """The same by a client who, when it is cancelled, waits until the server has let it go."""
        return self._ask(holding=True)

    def blocking(self, *_: object, **__: object) -> Reply:
        """The same for threads; nobody can cancel it."""
        return self.open().ask()

    def open(self) -> Client:
        """A client for one blocking call, which ends when somebody else closes it."""
        return Client(self.name, self._whose())

    async def _ask(self, *, holding: bool) -> Reply:
        services, loop = self._whose(), asyncio.get_running_loop()
        gone = loop.create_future()
        call = services.launch(self.name, lambda: _wake(loop, gone))
        try:
            await gone
        except asyncio.CancelledError:
            gone = loop.create_future()
            services.remote.given_up(call)
            if holding:
                await gone
            raise
        return services.remote.answer(call)

    def _whose(self) -> Services:
        services = self._services or ASKING.get()
        if services is None:
            why = "was called by nobody whom a request has started"
            remedy = "call it in the pipeline, or in a thread that runs in a copy of its context"
            raise ScenarioError("a service", self.name, why, remedy)
        return services


class Client:
    """One blocking call. `close`, from another thread, cancels it."""

    def __init__(self, name: str, services: Services) -> None:
        self._name = name
        self._services = services
        self._call: Call | None = None

    def ask(self) -> Reply:
        """Wait for the answer; `CallFailed` if there is none."""
        gone = threading.Event()
        self._services.remote.threads = True
        self._call = self._services.launch(self._name, gone.set)
        gone.wait()
        return self._services.remote.answer(self._call)

    def close(self) -> None:
        """Give the call up, if it is not over."""
        if self._call is not None:
            self._services.remote.given_up(self._call)


class Services(Mapping[str, Service]):
    """The branches of a scenario, by name, for one request."""

    def __init__(self, remote: Remote, visit: Visit) -> None:
        self.remote = remote
        self.visit = visit

    def __getitem__(self, name: str) -> Service:
        self.remote.index_of(name)
        return Service(name, self)

    def __contains__(self, name: object) -> bool:
        return name in tuple(self)

    def __iter__(self) -> Iterator[str]:
        return (branch.name for branch in self.remote.branches)

    def __len__(self) -> int:
        return len(self.remote.branches)

    def launch(self, name: str, gone: Any) -> Call:
        """Ask a branch; `gone` is called when nothing of the call is left."""
        return self.remote.launch(self.visit, self.remote.index_of(name), gone)


ASKING: contextvars.ContextVar[Services | None] = contextvars.ContextVar(
    "simulators.live", default=None
)


def _wake(loop: asyncio.AbstractEventLoop, gone: asyncio.Future[None]) -> None:
    try:
        here = asyncio.get_running_loop() is loop
    except RuntimeError:
        here = False
    if here:
        _settle(gone)
    else:
        loop.call_soon_threadsafe(_settle, gone)


def _settle(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
