from collections.abc import Sequence

import pytest

from spectest.kernel.choices import Door
from spectest.kernel.identity import Identities
from spectest.kernel.plan import OrderModel, Plan


class Thing:
    def __init__(self, number: int, value: int) -> None:
        self.number, self.value = number, value

    def __hash__(self) -> int:
        return self.value


def things(
    count: int, picks: dict[str, int] | None = None, order: OrderModel = "ties"
) -> list[Thing]:
    plan = Plan(
        picks={f"set order of {name}": pick for name, pick in (picks or {}).items()}, order=order
    )
    identities = Identities(Door(plan))
    return [
        Thing(n, identities.next_hash() | identities.choose_level(f"t{n}"))
        for n in range(1, count + 1)
    ]


def order_in_set(members: Sequence[Thing]) -> list[int]:
    return [thing.number for thing in {*members}]


def test_hashes_are_unique_and_not_addresses() -> None:
    first, second = things(100), things(100)
    assert [thing.value for thing in first] == [thing.value for thing in second]
    assert len({thing.value for thing in first}) == 100


@pytest.mark.parametrize("count", [2, 3])
def test_small_sets_keep_the_order_of_insertion(count: int) -> None:
    members = things(count)
    assert order_in_set(members) == list(range(1, count + 1))
    assert order_in_set(members[::-1]) == list(range(count, 0, -1))


@pytest.mark.parametrize(
    "picks, expected",
    [
        ({"t1": 1}, [2, 3, 1]),
        ({"t1": 2}, [2, 3, 1]),
        ({"t2": 1}, [1, 3, 2]),
        ({"t1": 2, "t2": 1}, [3, 2, 1]),
        ({"t1": 1, "t2": 2}, [3, 1, 2]),
    ],
)
def test_a_pick_puts_a_member_behind_those_of_lower_levels(
    picks: dict[str, int], expected: list[int]
) -> None:
    assert order_in_set(things(3, picks)) == expected


def test_every_order_of_three_can_be_had() -> None:
    seen = {
        tuple(order_in_set(things(3, {"t1": a, "t2": b, "t3": c})))
        for a in range(3)
        for b in range(3)
        for c in range(3)
    }
    assert len(seen) == 6


def test_under_strict_a_set_keeps_the_order_of_insertion_whatever_the_plan_says() -> None:
    assert order_in_set(things(3, {"t1": 2}, "strict")) == [1, 2, 3]


def test_a_hash_alone_is_no_choice() -> None:
    door = Door(Plan())
    door.on_choice = lambda *choice: pytest.fail(f"asked {choice}")
    Identities(door).next_hash()
