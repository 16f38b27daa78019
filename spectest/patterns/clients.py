"""How the client of an attempt is closed, by the names that clients have for it."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

__all__ = ["closing_of"]


def closing_of(client: Any, branch: str, *, asynchronous: bool) -> Callable[[], Any]:
    """The function that closes the client; in asyncio, what it returns may have to be awaited.

    The first of `aclose()` (asyncio only), `shutdown(wait=False, cancel_futures=True)` or
    `shutdown()`, `close()`. A client with none of them is a TypeError.
    """
    if asynchronous and callable(closing := getattr(client, "aclose", None)):
        return closing  # type: ignore[no-any-return]
    if callable(closing := getattr(client, "shutdown", None)):
        return _without_waiting(closing)
    if callable(closing := getattr(client, "close", None)):
        return closing  # type: ignore[no-any-return]
    names = "aclose, shutdown and close" if asynchronous else "shutdown and close"
    raise TypeError(
        f"branch {branch!r}: its client {type(client).__name__} has none of {names}, "
        "so nobody can close it; wrap it in a class with one of them"
    )


def _without_waiting(shutdown: Callable[..., Any]) -> Callable[[], Any]:
    """`shutdown` of an executor waits for its jobs unless told otherwise."""
    try:
        inspect.signature(shutdown).bind(wait=False, cancel_futures=True)
    except (TypeError, ValueError):
        return shutdown
    return functools.partial(shutdown, wait=False, cancel_futures=True)
