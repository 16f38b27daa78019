"""A context for each execution, in a measurement by coverage.py that goes on around a search."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Contexts"]

_BY_MONITORING = (
    "coverage.py measures with its core sysmon, which cannot switch them between executions; set "
    'core = "ctrace" in [tool.coverage.run]'
)
_SWITCHED_BY_COVERAGE = (
    "coverage.py switches them itself (dynamic_context = {!r}), and not for each execution"
)


class Contexts:
    """Those of one program. `remark`: why a measurement that goes on gets none, or ""."""

    def __init__(self, program: str) -> None:
        from coverage import Coverage

        self._program = program
        self._measuring = Coverage.current()
        self.remark = "" if self._measuring is None else _obstacle(self._measuring)

    @contextmanager
    def switched(self, label: str) -> Iterator[None]:
        """While the block lasts, what runs has the context `spectest|PROGRAM|LABEL`."""
        measuring = self._measuring
        if measuring is None or self.remark:
            yield
            return
        before = measuring.switch_context(f"spectest|{self._program}|{label}")
        try:
            yield
        finally:
            measuring.switch_context(_dynamic(before, measuring.get_option("run:context")))


def _obstacle(measuring: Any) -> str:
    """What keeps contexts from being switched, or ""."""
    own = measuring.get_option("run:dynamic_context")
    if own and own != "none":
        return _SWITCHED_BY_COVERAGE.format(own)
    monitoring: Any = vars(sys).get("monitoring")
    if monitoring and any(monitoring.get_tool(tool) == "coverage.py" for tool in range(6)):
        return _BY_MONITORING
    return ""


def _dynamic(context: str | None, static: Any) -> str:
    """The part of a context that is switched; coverage.py puts the static one before it."""
    context = context or ""
    return context.removeprefix(static).removeprefix("|") if static else context
