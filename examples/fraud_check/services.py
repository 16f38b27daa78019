"""The services behind the fraud check, played by an httpx.MockTransport.

The nominal latencies are those of a busy hour: near each engine's p99, within it.
"""

import asyncio

import httpx

NOMINAL_RULES = 0.028
NOMINAL_LLM = 0.140
NOMINAL_REVIEW = 0.008


class Services:
    def __init__(
        self,
        *,
        rules_says: str = "unsure",
        llm_says: str = "block",
        rules: float = NOMINAL_RULES,
        llm: float = NOMINAL_LLM,
        review: float = NOMINAL_REVIEW,
    ) -> None:
        self._rules_says = rules_says
        self._llm_says = llm_says
        self._rules_latency = rules
        self._llm_latency = llm
        self._review_latency = review

    def client(self) -> httpx.AsyncClient:
        transport = httpx.MockTransport(self._serve)
        return httpx.AsyncClient(transport=transport, base_url="http://fraud.internal")

    async def _serve(self, request: httpx.Request) -> httpx.Response:
        match request.url.path:
            case "/rules":
                return await self._rules()
            case "/llm":
                return await self._llm()
            case "/review":
                return await self._review()
            case _:
                return httpx.Response(404)

    async def _rules(self) -> httpx.Response:
        await asyncio.sleep(self._rules_latency)
        return httpx.Response(200, json={"action": self._rules_says})

    async def _llm(self) -> httpx.Response:
        await asyncio.sleep(self._llm_latency)
        return httpx.Response(200, json={"action": self._llm_says})

    async def _review(self) -> httpx.Response:
        await asyncio.sleep(self._review_latency)
        return httpx.Response(202)
