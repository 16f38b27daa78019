"""The fraud check of `examples.fraud_check`, asked by somebody who plays its two engines."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from examples.fraud_check import pipeline, pipeline_fixed
from examples.fraud_check.model import Payment


class Client:
    """What `FraudCheck` needs of an `httpx.AsyncClient`; `replies` are those of the engines."""

    def __init__(self, engines: Mapping[str, Callable[[], Awaitable[Any]]]) -> None:
        self._engines = engines
        self.replies: dict[str, Any] = {}

    async def post(self, path: str, json: dict[str, Any]) -> httpx.Response:
        sent = httpx.Request("POST", f"http://fraud.internal{path}", json=json)
        if path == "/review":
            return httpx.Response(202, request=sent)
        engine = path.removeprefix("/")
        reply = self.replies[engine] = await self._engines[engine]()
        action = "approve" if reply.valid else "unsure"
        return httpx.Response(200, json={"action": action}, request=sent)


async def written(services: Any, request: int) -> Any:
    """The reply that decided, or None if the budget was spent."""
    client: Any = Client(services)
    decision = await pipeline.FraudCheck(client, []).check(Payment(f"p{request}", 1999))
    return client.replies.get(decision.decided_by)


async def fixed(services: Any, request: int) -> Any:
    """The same of the corrected fraud check."""
    client: Any = Client(services)
    decision = await pipeline_fixed.FraudCheck(client, []).check(Payment(f"p{request}", 1999))
    return client.replies.get(decision.decided_by)
