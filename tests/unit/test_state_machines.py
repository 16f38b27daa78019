"""Stateful tests of Hypothesis whose rules run in one world."""

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from spectest.hypothesis import run_state_machine
from spectest.strategies.drawn import DrawnPlan

pytestmark = pytest.mark.usefixtures("one_installation")

few = settings(
    max_examples=60,
    stateful_step_count=6,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)


class Accounts(RuleBasedStateMachine):
    """Deposits through a pool; `atomic`: reading and writing are one."""

    atomic = True

    def __init__(self) -> None:
        super().__init__()
        self.pool = ThreadPoolExecutor(2)
        self.balance = self.expected = 0
        self.began = time.monotonic()

    def _deposit(self, amount: int) -> None:
        before = self.balance
        if not self.atomic:
            time.sleep(0.010)
        self.balance = before + amount

    @rule(amounts=st.lists(st.integers(1, 5), min_size=1, max_size=3))
    def deposit(self, amounts: list[int]) -> None:
        jobs: list[Future[None]] = [self.pool.submit(self._deposit, one) for one in amounts]
        for job in jobs:
            job.result()
        self.expected += sum(amounts)

    @rule(hours=st.integers(1, 100))
    def wait(self, hours: int) -> None:
        time.sleep(3600 * hours)

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.balance == self.expected
        assert self.began == 0

    def teardown(self) -> None:
        self.pool.shutdown()


class Careless(Accounts):
    atomic = False


def test_its_rules_share_one_world() -> None:
    run_state_machine(Accounts, settings=few)


def test_a_bug_is_found_and_made_small(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(AssertionError) as caught:
        run_state_machine(Careless, settings=few)
    shown = "\n".join(caught.value.__notes__)
    assert shown.count("state.deposit(") == 1
    assert "state.wait(" not in shown
    assert "amounts=[1, 1]" in shown


class Racing(RuleBasedStateMachine):
    """A loop that lasts as long as the machine; only an unusual timing breaks it."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()

    @rule()
    def race(self) -> None:
        async def both() -> list[str]:
            order: list[str] = []

            async def finish(name: str, seconds: float) -> None:
                await asyncio.sleep(seconds)
                order.append(name)

            await asyncio.gather(finish("first", 0.100), finish("second", 0.105))
            return order

        assert self.runner.run(both()) == ["first", "second"]

    def teardown(self) -> None:
        self.runner.close()


def test_the_timing_is_drawn_too() -> None:
    with pytest.raises(AssertionError) as caught:
        run_state_machine(Racing, settings=few)
    assert any("token" in note for note in caught.value.__notes__)
    stock = st.just(DrawnPlan())
    run_state_machine(Racing, settings=few, plan=stock)
