"""The promise: the ledger says, once, what the customer was told.

Which engine decides is not part of it: a slow LLM may well leave a payment to the fallback.
"""

import pytest

from examples.fraud_check import pipeline, pipeline_fixed
from examples.fraud_check.model import Payment
from examples.fraud_check.services import Services


async def told_and_recorded(
    fraud_check: type[pipeline.FraudCheck] | type[pipeline_fixed.FraudCheck],
    services: Services,
) -> tuple[str, list[str]]:
    ledger: list[tuple[str, str]] = []
    async with services.client() as client:
        decision = await fraud_check(client, ledger).check(Payment(id="p-1", cents=129_900))
    return decision.action, [action for _, action in ledger]


@pytest.mark.asyncio
async def test_rules_decide() -> None:
    told, recorded = await told_and_recorded(pipeline.FraudCheck, Services(rules_says="block"))
    assert recorded == [told] == ["block"]


@pytest.mark.asyncio
async def test_nobody_decides_in_time() -> None:
    told, recorded = await told_and_recorded(pipeline.FraudCheck, Services(llm=0.300))
    assert recorded == [told] == ["approve"]


@pytest.mark.asyncio
async def test_llm_decides() -> None:
    told, recorded = await told_and_recorded(pipeline.FraudCheck, Services())
    assert recorded == [told]


@pytest.mark.spectest(runs=500)
async def test_llm_decides_explored() -> None:
    told, recorded = await told_and_recorded(pipeline.FraudCheck, Services())
    assert recorded == [told]


@pytest.mark.asyncio
async def test_fixed_llm_decides() -> None:
    told, recorded = await told_and_recorded(pipeline_fixed.FraudCheck, Services())
    assert recorded == [told]


@pytest.mark.spectest(runs=500)
async def test_fixed_llm_decides_explored() -> None:
    told, recorded = await told_and_recorded(pipeline_fixed.FraudCheck, Services())
    assert recorded == [told]
