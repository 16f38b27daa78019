"""Listening to the steps that patterns log, for as long as a world lasts.

A pattern in production knows no harness: it logs what it does, at DEBUG, on the logger
"spectest.patterns.steps", each entry with a mapping `speculation`. Any library may log like it.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from spectest.errors import UsageError

__all__ = ["LOGGER", "steps_heard", "steps_logged"]

LOGGER = "spectest.patterns.steps"
_logged: list[logging.Logger] = []


class _Ear:
    """What a logger needs of a handler. It takes no lock and is in no list of all handlers."""

    level = logging.DEBUG

    def __init__(self, hear: Callable[[Mapping[str, Any]], None] | None) -> None:
        self._hear = hear

    def handle(self, record: logging.LogRecord) -> None:
        """One entry; those of others are passed over."""
        step = getattr(record, "speculation", None)
        if self._hear is not None and isinstance(step, Mapping):
            self._hear(step)


@contextmanager
def steps_logged() -> Iterator[None]:
    """While the block lasts, steps are logged, in worlds and whether or not somebody hears them.

    So a run with judges and the same run without are the same. Steps reach the user's own handlers
    only if the user has switched them on. A search keeps this open around all of its executions:
    a change of level makes `logging` forget what it knows of all loggers.
    """
    if _logged:
        yield
        return
    logger = logging.getLogger(LOGGER)
    before = logger.level, logger.propagate, logger.disabled
    wanted = logger.isEnabledFor(logging.DEBUG)
    logger.setLevel(logging.DEBUG)
    logger.propagate, logger.disabled = wanted and logger.propagate, False
    _logged.append(logger)
    try:
        yield
    finally:
        _logged.clear()
        logger.setLevel(before[0])
        logger.propagate, logger.disabled = before[1:]


@contextmanager
def steps_heard(hear: Callable[[Mapping[str, Any]], None] | None) -> Iterator[None]:
    """While the block lasts, `hear` is told of each step, in the thread that takes it.

    Raises `UsageError` if the program switches the logger off.
    """
    with steps_logged():
        logger: Any = _logged[0]
        ear = _Ear(hear)
        logger.addHandler(ear)
        try:
            yield
            if hear is not None and (logger.disabled or not logger.isEnabledFor(logging.DEBUG)):
                raise UsageError(
                    f"the program switched the logger {LOGGER!r} off, so the oracles were deaf.\n"
                    "Say disable_existing_loggers=False to logging.config, and leave its level be."
                )
        finally:
            logger.removeHandler(ear)
            if logger.disabled or logger.level != logging.DEBUG:
                logger.disabled = False
                logger.setLevel(logging.DEBUG)
