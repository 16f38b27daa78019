"""May this text be sent to the model? Rules and a classifier are asked at once; one decides.

This is early_write.py without its bug: what a branch wants written and shown is staged, and done
for the winner only, once, after the decision and before `verdict` returns.
"""

import functools
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from spectest.patterns import Branch, speculate, stage

Engine = Callable[[str], Awaitable[str]]
Show = Callable[[str], Awaitable[None]]
SCHEMA = "CREATE TABLE audit (request TEXT, engine TEXT, verdict TEXT)"


class Gate:
    def __init__(self, rules: Engine, classifier: Engine, audit: str, dashboard: Show) -> None:
        self._engines = {"rules": rules, "classifier": classifier}
        self._audit = audit
        self._dashboard = dashboard

    async def verdict(self, request: str, text: str) -> str:
        """One verdict. The audit trail has it, once."""
        branches = [
            Branch(engine, functools.partial(self._ask, engine)) for engine in self._engines
        ]
        inputs = {"request": request, "text": text}
        return (await speculate(branches, inputs, run_id=request)).value

    async def _ask(self, engine: str, inputs: dict[str, Any]) -> str:
        verdict = await self._engines[engine](inputs["text"])
        stage(self._record, inputs["request"], engine, verdict)
        stage(self._dashboard, verdict)
        return verdict

    def _record(self, request: str, engine: str, verdict: str) -> None:
        audit = sqlite3.connect(self._audit)
        with audit:
            audit.execute("INSERT INTO audit VALUES (?, ?, ?)", (request, engine, verdict))
        audit.close()
