"""A caller gives up, and litellm's fastest-response router goes on without it.

The router asks two models at once and cancels the slower one when the faster one has answered. When
its own caller is cancelled, by `asyncio.wait_for` for instance, it cancels neither.

    python -m examples.fastest_response.router
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # Else its import asks the network.

import litellm

import spectest
from spectest.services import FakeService

MODELS = ("small", "large")
MESSAGES = [{"role": "user", "content": "Is this payment a fraud?"}]
PATIENCE_S = 0.250

Ask = Callable[[litellm.Router], Awaitable[Any]]


class Provider(litellm.CustomLLM):
    """A provider that litellm calls as any other; behind it is a service and no network."""

    def __init__(self, service: FakeService) -> None:
        super().__init__()
        self._service = service

    async def acompletion(self, *_: Any, **request: Any) -> Any:
        text = await self._service(request["messages"])
        message = {"role": "assistant", "content": text}
        return litellm.ModelResponse(choices=[{"message": message}])


async def ask_the_router(router: litellm.Router) -> Any:
    return await router.abatch_completion_fastest_response(
        model=", ".join(MODELS), messages=MESSAGES
    )


async def ask_and_clean_up(router: litellm.Router) -> Any:
    """The same race, over single completions; whoever leaves it cancels what is left."""
    calls = [
        asyncio.create_task(router.acompletion(model=model, messages=MESSAGES)) for model in MODELS
    ]
    try:
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        return next(call for call in calls if call.done()).result()
    finally:
        for call in calls:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)


async def one_request(ask: Ask) -> None:
    """Whoever gave up is not billed for what was worked off afterwards."""
    small = FakeService("small", latency=(0.100, 0.300), answer="no", effect=lambda _: "a bill")
    large = FakeService("large", latency=(0.200, 0.800), answer="no", effect=lambda _: "a bill")
    litellm.custom_provider_map = [
        {"provider": service.name, "custom_handler": Provider(service)}
        for service in (small, large)
    ]
    router = litellm.Router(
        [
            {
                "model_name": model,
                "litellm_params": {"model": f"{model}/any"},
                "model_info": {"id": model},
            }
            for model in MODELS
        ],
        num_retries=0,
    )
    try:
        await asyncio.wait_for(ask(router), PATIENCE_S)
    except TimeoutError:
        gave_up_at = asyncio.get_running_loop().time()
        await asyncio.sleep(1)
        bills = [*small.ledger.effects, *large.ledger.effects]
        late = [bill.call for bill in bills if bill.at > gave_up_at]
        assert not late, f"gave up, and was billed afterwards for {' and '.join(late)}"


async def broken() -> None:
    await one_request(ask_the_router)


async def fixed() -> None:
    await one_request(ask_and_clean_up)


if __name__ == "__main__":
    print(spectest.render(spectest.explore(broken, confirm=True)))
    print()
    print(spectest.render(spectest.explore(fixed)))
