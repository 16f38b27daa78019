"""Fraud check for card payments: ask two engines at once, keep the first valid answer.

The rules engine answers within 30 ms (p99) but is often unsure. The LLM scorer is rarely unsure
and answers within 150 ms (p99). A payment waits no longer than that: when the budget is spent it
is approved and queued for review. The ledger is what the rest of the company goes by.

This is pipeline.py without its bug: the engines only answer, no engine outlives the race, and the
ledger is written in one place, after it.
"""

import asyncio
from dataclasses import asdict

import httpx

from examples.fraud_check.model import Decision, Payment

ENGINES = ("rules", "llm")
BUDGET = 0.150
FALLBACK = Decision(action="approve", decided_by="fallback")


class FraudCheck:
    def __init__(self, client: httpx.AsyncClient, ledger: list[tuple[str, str]]) -> None:
        self._client = client
        self._ledger = ledger

    async def check(self, payment: Payment) -> Decision:
        """Decide one payment. The ledger gets the decision that is returned."""
        decision = await self._first_valid(payment)
        if decision is None:
            decision = FALLBACK
        self._record(payment, decision)
        if decision is FALLBACK:
            await self._queue_for_review(payment)
        return decision

    async def _first_valid(self, payment: Payment) -> Decision | None:
        branches = [
            asyncio.create_task(self._ask(engine, payment), name=engine) for engine in ENGINES
        ]
        try:
            await asyncio.sleep(0)  # both questions go out before the clock starts
            clock = asyncio.get_running_loop().time
            deadline = clock() + BUDGET
            pending = set(branches)
            while pending:
                done, pending = await asyncio.wait(
                    pending, timeout=deadline - clock(), return_when=asyncio.FIRST_COMPLETED
                )
                if not done:
                    return None
                for branch in done:
                    decision = branch.result()
                    if decision is not None:
                        return decision
            return None
        finally:
            for branch in branches:
                branch.cancel()
            await asyncio.gather(*branches, return_exceptions=True)

    async def _ask(self, engine: str, payment: Payment) -> Decision | None:
        """The engine's decision, or None when it is unsure or out of order."""
        try:
            reply = await self._client.post(f"/{engine}", json=asdict(payment))
            reply.raise_for_status()
        except httpx.HTTPError:
            return None
        action = reply.json()["action"]
        return None if action == "unsure" else Decision(action, decided_by=engine)

    def _record(self, payment: Payment, decision: Decision) -> None:
        self._ledger.append((payment.id, decision.action))

    async def _queue_for_review(self, payment: Payment) -> None:
        reply = await self._client.post("/review", json=asdict(payment))
        reply.raise_for_status()
