"""Sets of asyncio's own objects iterate in an order that belongs to the execution."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from spectest.eventloop.loop import VirtualEventLoop
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import Plan
from spectest.world import World

# Objects of different sizes, so that addresses are reused in another order every time.
garbage: list[bytes] = []


def litter(amount: int) -> None:
    garbage[:] = [bytes(17 * size % 301) for size in range(amount)]


async def nothing() -> None:
    return None


def tasks(count: int) -> list[asyncio.Task[None]]:
    return [asyncio.create_task(nothing()) for _ in range(count)]


def futures(count: int) -> list[asyncio.Future[None]]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


def gatherings(count: int) -> list[asyncio.Future[Any]]:
    return [asyncio.gather(nothing()) for _ in range(count)]


def handles(count: int) -> list[asyncio.Handle]:
    return [asyncio.get_running_loop().call_soon(print) for _ in range(count)]


def timers(count: int) -> list[asyncio.Handle]:
    return [asyncio.get_running_loop().call_later(number, print) for number in range(count)]


MAKERS: list[Callable[[int], list[Any]]] = [tasks, futures, gatherings, handles]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize("count", [2, 3, 4, 5, 6, 10, 18, 19, 30])
@pytest.mark.parametrize("before", [0, 1, 2, 5])
def test_a_set_iterates_in_order_of_insertion(
    make: Callable[[int], list[Any]], count: int, before: int
) -> None:
    async def main() -> list[int]:
        kept = make(before)
        made = make(count)
        order = [made.index(member) for member in set(made)]
        growing: set[Any] = set()
        for member in made:
            growing.add(member)
        assert [made.index(member) for member in growing] == order
        for member in (*kept, *made):
            member.cancel()
        await asyncio.gather(
            *(m for m in (*kept, *made) if asyncio.isfuture(m)), return_exceptions=True
        )
        return order

    assert World().run(main) == list(range(count))


@pytest.mark.parametrize("before", range(4))
def test_every_order_of_three_tasks_is_reached_by_picks(before: int) -> None:
    async def main() -> tuple[int, ...]:
        await asyncio.gather(*tasks(before))
        made = tasks(3)
        done, _ = await asyncio.wait(made)
        return tuple(made.index(task) for task in done)

    labels = [f"{SET_ORDER}task {before + number}" for number in (2, 3, 4)]
    reached = {
        World(Plan(picks=dict(zip(labels, picks, strict=True)))).run(main)
        for picks in itertools.product(range(3), repeat=3)
    }
    assert reached == set(itertools.permutations(range(3)))


def test_under_strict_there_is_one_order() -> None:
    async def main() -> list[int]:
        made = tasks(3)
        done, _ = await asyncio.wait(made)
        return [made.index(task) for task in done]

    picks = {f"{SET_ORDER}task {number}": 2 for number in range(5)}
    assert World(Plan(picks=picks, order="strict")).run(main) == [0, 1, 2]


async def first_of_bare_coroutines() -> list[int]:
    async def work(number: int) -> int:
        order.append(number)
        await asyncio.sleep(1)
        return number

    order: list[int] = []
    coroutines: list[Coroutine[Any, Any, int]] = []
    for number in range(5):
        litter(number * 7)
        coroutines.append(work(number))
    answers = [await first for first in asyncio.as_completed(coroutines)]
    assert sorted(answers) == [0, 1, 2, 3, 4]
    return order


def test_as_completed_starts_bare_coroutines_in_the_order_given() -> None:
    for amount in range(0, 400, 50):
        litter(amount)
        assert World().run(first_of_bare_coroutines) == [0, 1, 2, 3, 4]


def test_as_completed_may_start_any_bare_coroutine_first() -> None:
    label = f"{SET_ORDER}coroutines#1"
    firsts = [
        World(Plan(picks={label: pick})).run(first_of_bare_coroutines)[0] for pick in range(5)
    ]
    assert firsts == [0, 1, 2, 3, 4]


def test_as_completed_takes_a_coroutine_given_twice_once() -> None:
    async def main() -> int:
        coroutine = asyncio.sleep(1, 7)
        answers = [await first for first in asyncio.as_completed([coroutine, coroutine])]
        assert answers == [7]
        return len(answers)

    assert World().run(main) == 1


async def order_of_all_tasks() -> list[str]:
    made = [asyncio.create_task(asyncio.sleep(1), name=name) for name in "abcde"]
    order = [task.get_name() for task in asyncio.all_tasks() if task in made]
    await asyncio.gather(*made)
    return order


def test_all_tasks_does_not_remember_what_the_process_did_before() -> None:
    fresh = World().run(order_of_all_tasks)
    assert fresh == list("abcde")

    async def crowd() -> None:
        await asyncio.gather(*(asyncio.sleep(0) for _ in range(500)))

    for _ in range(3):
        asyncio.run(crowd())
        World().run(crowd)
        assert World().run(order_of_all_tasks) == fresh


def test_a_gathering_on_another_loop_still_has_a_hash() -> None:
    """While a world lasts, what gather makes on a loop that is not the world's works too."""

    def main() -> int:
        loop = asyncio.SelectorEventLoop()
        try:
            both = asyncio.gather(loop.create_future(), loop.create_future())
            both.cancel()
            return len({both})
        finally:
            loop.close()

    assert World().run(main) == 1


def test_hashes_belong_to_the_loop() -> None:
    def hashes() -> list[int]:
        loop = VirtualEventLoop()
        made = [hash(loop.create_future()) for _ in range(3)]
        loop.close()
        return made

    assert hashes() == hashes()
