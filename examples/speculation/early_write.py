"""May this text be sent to the model? Rules and a classifier are asked at once; the first decides.

Who decides is on record: each verdict goes to the audit trail, an SQLite file, before anybody acts
on it, and is then shown on the dashboard.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable

from spectest.patterns import branch

Engine = Callable[[str], Awaitable[str]]
Show = Callable[[str], Awaitable[None]]
SCHEMA = "CREATE TABLE audit (request TEXT, engine TEXT, verdict TEXT)"


class Gate:
    def __init__(self, rules: Engine, classifier: Engine, audit: str, dashboard: Show) -> None:
        self._engines = {"rules": rules, "classifier": classifier}
        self._audit = audit
        self._dashboard = dashboard

    async def verdict(self, request: str, text: str) -> str:
        """The first verdict. The audit trail has it, once."""
        branches = [
            asyncio.create_task(branch(engine)(self._ask)(engine, request, text), name=engine)
            for engine in self._engines
        ]
        await asyncio.wait(branches, return_when=asyncio.FIRST_COMPLETED)
        winner = next(one for one in branches if one.done())
        for one in branches:
            one.cancel()
        return winner.result()

    async def _ask(self, engine: str, request: str, text: str) -> str:
        verdict = await self._engines[engine](text)
        self._record(request, engine, verdict)
        await self._dashboard(verdict)
        return verdict

    def _record(self, request: str, engine: str, verdict: str) -> None:
        audit = sqlite3.connect(self._audit)
        with audit:
            audit.execute("INSERT INTO audit VALUES (?, ?, ?)", (request, engine, verdict))
        audit.close()
