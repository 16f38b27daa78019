"""What leaves the closed world is refused, from one table: the call, the reason, the alternative.

A socket, a pipe, a signal or a subprocess keeps its own time. An execution that waited for one
could be neither explored nor replayed, so the call raises `RealWorldError` at the user's line
instead of half working.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

from spectest.errors import RealWorldError
from spectest.kernel.trace import SourceLine
from spectest.source.lines import here

__all__ = ["REFUSED", "ClosedWorld"]

_SOCKETS = (
    "A real socket answers when the network likes.",
    (
        "Give the client an in-memory transport (httpx.MockTransport, a fake connection class on "
        "asyncio.StreamReader), or a coroutine that sleeps and answers."
    ),
)
_NAMES = (
    "A name server answers when it likes.",
    "Give the code an address, or replace the resolver by a coroutine that sleeps and answers.",
)
_PROCESSES = (
    "A real process keeps its own time.",
    "Pass a fake runner, or wrap the call in a function and let asyncio.to_thread run it.",
)
_PIPES = (
    "A pipe is filled by somebody outside.",
    "Feed an asyncio.StreamReader from a task instead.",
)
_SIGNALS = (
    "A signal comes from outside, at any moment.",
    "Call the handler from a task, at the moment under test.",
)

REFUSED: dict[str, tuple[str, str]] = {
    **dict.fromkeys(
        (
            "add_reader",
            "remove_reader",
            "add_writer",
            "remove_writer",
            "sock_recv",
            "sock_recv_into",
            "sock_recvfrom",
            "sock_recvfrom_into",
            "sock_sendall",
            "sock_sendto",
            "sock_connect",
            "sock_accept",
            "sock_sendfile",
            "sendfile",
            "start_tls",
            "create_connection",
            "create_server",
            "create_unix_connection",
            "create_unix_server",
            "create_datagram_endpoint",
            "connect_accepted_socket",
        ),
        _SOCKETS,
    ),
    **dict.fromkeys(("getaddrinfo", "getnameinfo"), _NAMES),
    **dict.fromkeys(("subprocess_exec", "subprocess_shell"), _PROCESSES),
    **dict.fromkeys(("connect_read_pipe", "connect_write_pipe"), _PIPES),
    **dict.fromkeys(("add_signal_handler", "remove_signal_handler"), _SIGNALS),
}
"""Method of `AbstractEventLoop` -> why it is refused, and what to do instead."""


def refuse(loop: Any, call: str, line: SourceLine) -> NoReturn:
    """Raise the `RealWorldError` of one method of the table, called at `line`.

    `loop.escape` keeps the first one, so that a program that swallows it does not pass.
    """
    reason, alternative = REFUSED[call]
    where = f"{line.file}:{line.line} in {line.function}" if line else None
    place = f" at {where}" if where else ""
    error = RealWorldError(
        f"loop.{call}() was called{place}.\n"
        f"{reason} A run that waits for it could not be explored or replayed.\n"
        f"{alternative}",
        call=call,
        where=where,
    )
    loop.escape = loop.escape or error
    raise error


def _refusal(name: str) -> Callable[..., Any]:
    stock = getattr(asyncio.AbstractEventLoop, name)
    if not inspect.iscoroutinefunction(stock):

        def refused(self: object, *args: object, **kwargs: object) -> NoReturn:
            refuse(self, name, here(1))

        return functools.wraps(stock)(refused)

    async def refused_at(loop: object, line: SourceLine) -> NoReturn:
        refuse(loop, name, line)

    # A coroutine may be made in one place and awaited in another, or become a task: it fails like
    # any coroutine, when it runs, and names the line at which it was made.
    def refused_later(self: object, *args: object, **kwargs: object) -> Awaitable[NoReturn]:
        return refused_at(self, here(1))

    return functools.wraps(stock)(refused_later)


class ClosedWorld:
    """Mixin for event loops: every method in `REFUSED` refuses. `escape`: the first that did."""

    escape: RealWorldError | None = None


for _name in REFUSED:
    setattr(ClosedWorld, _name, _refusal(_name))
