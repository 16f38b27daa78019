"""The line that is reported is the nearest of the user's own."""

from __future__ import annotations

import asyncio
import sysconfig
from pathlib import Path

import pytest

import spectest.errors
from spectest.source.lines import LIBRARY, PLATFORM, USER, here, kind_of_file, suspended_at


@pytest.mark.parametrize(
    "file, kind",
    [
        (asyncio.tasks.__file__, PLATFORM),
        (spectest.errors.__file__, PLATFORM),
        ("<frozen importlib._bootstrap>", PLATFORM),
        (str(Path(sysconfig.get_path("purelib"), "site-packages", "httpx.py")), LIBRARY),
        (__file__, USER),
        ("<stdin>", USER),
    ],
)
def test_files_are_of_three_kinds(file: str, kind: int) -> None:
    assert kind_of_file(file) == kind


def test_here_is_the_line_that_called() -> None:
    line = here(0)
    assert line.file == __file__
    assert line.function == "test_here_is_the_line_that_called"


def test_a_coroutine_waits_where_the_innermost_line_of_the_user_is() -> None:
    async def inner() -> None:
        await asyncio.sleep(1)

    async def outer() -> None:
        await inner()

    async def main() -> str:
        coroutine = outer()
        task = asyncio.create_task(coroutine)
        await asyncio.sleep(0)
        function = suspended_at(coroutine).function
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return function

    assert asyncio.run(main()) == "inner"
