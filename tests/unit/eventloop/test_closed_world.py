"""Every door out of the closed world is shut, and says so at the user's line."""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import pytest

from spectest.errors import RealWorldError
from spectest.eventloop.closed_world import REFUSED
from spectest.eventloop.loop import VirtualEventLoop
from spectest.world import World

HERE = __name__.rsplit(".", maxsplit=1)[-1]


def call(loop: Any, name: str) -> Any:
    return getattr(loop, name)(None, None)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_refused_method_names_the_call_the_line_and_what_to_do_instead(name: str) -> None:
    async def main() -> None:
        answer = call(asyncio.get_running_loop(), name)
        await answer

    with pytest.raises(RealWorldError) as caught:
        World().run(main)
    error = caught.value
    assert error.call == name
    assert error.where is not None
    assert f"{HERE}.py:" in error.where
    assert error.where.endswith(" in call")
    first, reason, alternative = str(error).splitlines()
    assert first.startswith(f"loop.{name}() was called at ")
    assert reason.startswith(REFUSED[name][0])
    assert alternative == REFUSED[name][1]


COROUTINES = [
    n for n in REFUSED if inspect.iscoroutinefunction(getattr(asyncio.AbstractEventLoop, n))
]


@pytest.mark.parametrize("name", COROUTINES)
def test_a_coroutine_fails_when_it_runs_and_names_the_line_at_which_it_was_made(name: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        def made_here() -> Any:
            return call(loop, name)

        task = asyncio.create_task(made_here())
        await task

    with pytest.raises(RealWorldError) as caught:
        World().run(main)
    assert str(caught.value.where).endswith(" in call")


def test_what_asyncio_builds_upon_them_is_refused_at_the_line_of_the_program() -> None:
    async def main() -> None:
        await asyncio.create_subprocess_exec("true")

    with pytest.raises(RealWorldError, match=r"subprocess_exec\(\) was called at .* in main"):
        World().run(main)

    async def connect() -> None:
        await asyncio.open_connection("localhost", 1)

    with pytest.raises(RealWorldError, match=r"create_connection\(\) was called at .* in connect"):
        World().run(connect)


def missing(loop_class: type, refused: dict[str, Any]) -> list[str]:
    """Methods of `AbstractEventLoop` that are neither refused nor implemented."""
    abstract = vars(asyncio.AbstractEventLoop)
    return [
        name
        for name, stock in abstract.items()
        if callable(stock)
        and not name.startswith("__")
        and name not in refused
        and getattr(loop_class, name) is stock
    ]


def test_refused_and_implemented_together_are_the_whole_class() -> None:
    assert missing(VirtualEventLoop, REFUSED) == []


def test_a_method_that_is_in_neither_would_be_noticed() -> None:
    without = {name: why for name, why in REFUSED.items() if name != "add_reader"}

    class Forgetful(asyncio.BaseEventLoop):
        pass

    assert "add_reader" in missing(Forgetful, without)
    assert "sock_recv" not in missing(Forgetful, without)


def test_nothing_is_refused_that_asyncio_does_not_have() -> None:
    assert [name for name in REFUSED if not hasattr(asyncio.AbstractEventLoop, name)] == []


def test_refusals_look_like_the_methods_they_replace() -> None:
    for name in REFUSED:
        ours, stock = getattr(VirtualEventLoop, name), getattr(asyncio.AbstractEventLoop, name)
        assert ours.__name__ == name
        assert inspect.signature(ours) == inspect.signature(stock)
