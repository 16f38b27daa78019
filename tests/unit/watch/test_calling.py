import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest import UsageError, watch
from tests.unit.watch.test_facts import Keeps


class Shop:
    closed = False

    def __init__(self) -> None:
        self.sold: list[object] = []

    def sell(self, item: object, *, count: int = 1) -> int:
        if count < 1:
            raise ValueError(count)
        self.sold.extend([item] * count)
        return len(self.sold)

    async def order(self, item: object) -> object:
        await asyncio.sleep(0.010)
        self.sold.append(item)
        return item

    def reorder(self, item: object) -> Any:
        return self.order(item)

    reorder.__name__ = "order"  # As a decorator leaves it.

    def close(self) -> str:
        return "closed"


METHODS = ("sell", "order", "reorder")


def told(program: Callable[[], Any]) -> list[str]:
    keeps = Keeps()
    spectest.run(program, oracles=keeps)
    events = keeps.trace.of_kind("invoke", "respond")
    return [f"{it.time_ns // 1_000_000} {it.kind} {it.subject} {it.detail}" for it in events]


def test_calls_and_answers_are_told_with_their_times() -> None:
    async def main() -> None:
        shop = watch.calls(Shop(), name="shop", methods=METHODS)
        assert shop.sell("tea", count=2) == 2
        assert await shop.order(("cup", 1)) == ("cup", 1)
        assert await shop.reorder(None) is None

    assert told(main) == [
        "0 invoke shop#1 sell('tea', count=2)",
        "0 respond shop#1 returned 2",
        "0 invoke shop#2 order(('cup', 1))",
        "10 respond shop#2 returned ('cup', 1)",
        "10 invoke shop#3 reorder(None)",
        "20 respond shop#3 returned None",
    ]


def test_an_exception_is_told_by_its_type_and_passed_on() -> None:
    async def main() -> None:
        shop = watch.calls(Shop(), name="shop", methods="sell")
        with pytest.raises(ValueError):
            shop.sell("tea", count=0)

    assert told(main)[1] == "0 respond shop#1 raised ValueError"


def test_a_cancelled_call_has_no_answer_and_one_that_hangs_no_end() -> None:
    async def main() -> None:
        shop = watch.calls(Shop(), name="shop", methods=METHODS)
        task = asyncio.create_task(shop.order("tea"))
        await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    assert told(main) == ["0 invoke shop#1 order('tea')", "5 respond shop#1 cancelled"]


def test_calls_of_threads_are_told_in_their_names() -> None:
    def main() -> None:
        shop = watch.calls(Shop(), name="shop", methods=METHODS)
        thread = threading.Thread(target=shop.sell, args=("tea",), name="clerk")
        thread.start()
        thread.join()

    keeps = Keeps()
    spectest.run(main, oracles=keeps)
    assert {it.task for it in keeps.trace.of_kind("invoke", "respond")} == {"clerk"}


def test_everything_else_is_the_objects_own() -> None:
    shop = Shop()
    watched = watch.calls(shop, name="shop", methods=METHODS)
    watched.closed = True
    assert shop.closed
    assert watched.sold is shop.sold
    assert watched.close() == "closed"
    assert repr(watched).startswith("<shop: <")


def test_outside_of_a_run_with_oracles_only_the_object_is_called() -> None:
    async def main() -> object:
        shop = watch.calls(Shop(), name="shop", methods=METHODS)
        unusual = object()
        assert shop.sell(unusual) == 1
        return await shop.order("tea")

    assert asyncio.run(main()) == "tea"
    assert spectest.run(main) == "tea"


def test_objects_of_one_name_have_numbers() -> None:
    async def main() -> None:
        for _ in range(2):
            watch.calls(Shop(), name="shop", methods=METHODS).sell("tea")

    assert [line for line in told(main) if "invoke" in line] == [
        "0 invoke shop#1 sell('tea')",
        "0 invoke shop (2)#1 sell('tea')",
    ]


@pytest.mark.parametrize(
    "value",
    [object(), float("nan"), float("inf"), [1, {"a": object()}], threading],
    ids=["object", "nan", "inf", "nested", "module"],
)
def test_arguments_that_a_model_could_not_be_given_are_refused(value: object) -> None:
    async def main() -> None:
        shop = watch.calls(Shop(), name="shop", methods=METHODS)
        try:
            shop.sell(value)
        except Exception:
            return  # Whoever swallows it hears of it all the same.

    with pytest.raises(UsageError, match=r"shop.sell\(\) was called with"):
        spectest.run(main, oracles=Keeps())


@pytest.mark.parametrize(
    "value",
    [None, True, -1, 1.5, -0.0, "a'b\n", b"\0", (), (1,), [], {}, {1: {2}}, [("a", {"b": None})]],
    ids=repr,
)
def test_plain_arguments_come_back_from_a_saved_trace(value: object) -> None:
    from spectest.oracles.histories import histories

    async def main() -> None:
        watch.calls(Shop(), name="shop", methods=METHODS).sell(value, count=3)

    keeps = Keeps()
    spectest.run(main, oracles=keeps)
    (history,) = histories(keeps.trace, "shop")
    (call,) = history.calls
    assert call.args == (value,)
    assert repr(call.args[0]) == repr(value)
    assert call.kwargs == {"count": 3}
    assert call.answer == "returned 3"


def test_names_and_methods_are_checked() -> None:
    with pytest.raises(UsageError, match="no method 'buy'"):
        watch.calls(Shop(), name="shop", methods=("sell", "buy"))
    with pytest.raises(UsageError, match="no method '__repr__'"):
        watch.calls(Shop(), name="shop", methods=("__repr__",))
    with pytest.raises(UsageError, match="which methods"):
        watch.calls(Shop(), name="shop", methods=())
    with pytest.raises(UsageError, match="without #"):
        watch.calls(Shop(), name="shop#1", methods="sell")
