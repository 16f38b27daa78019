"""After a run everything is what it was, however the run ended."""

from __future__ import annotations

import asyncio
import copyreg
import datetime as dt
import logging
import os
import random
import secrets
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date as imported_date
from datetime import datetime as imported_datetime
from os import urandom as imported_urandom
from random import choice as imported_choice
from time import time as imported_time
from typing import Any
from uuid import uuid1 as imported_uuid1

import pytest
from freezegun import api

import spectest

MODULES = (os, random, secrets, time, uuid, dt, copyreg, logging)
CLASSES = (random.Random, tempfile._RandomNameSequence, logging.LogRecord)  # type: ignore[attr-defined]
BY_NAME = (
    imported_date,
    imported_datetime,
    imported_urandom,
    imported_choice,
    imported_time,
    imported_uuid1,
)


def everything() -> dict[tuple[str, str], Any]:
    seen = {(owner.__name__, name): vars(owner)[name] for owner in MODULES for name in dir(owner)}
    seen |= {(cls.__name__, name): value for cls in CLASSES for name, value in vars(cls).items()}
    seen |= {
        ("by name", name): globals()[name] for name in globals() if name.startswith("imported_")
    }
    seen |= {("pickle", str(cls)): how for cls, how in copyreg.dispatch_table.items()}
    return seen


@pytest.fixture(autouse=True)
def all_is_as_it_was() -> Iterator[None]:
    before = everything()
    stacks = (api.freeze_factories, api.tz_offsets, api.ignore_lists, api.tick_flags)
    yield
    after = everything()
    assert before.keys() == after.keys()
    lazy = {("random", "_sha512")}  # CPython 3.13 imports it when a seed is text.
    assert [
        key for key, value in before.items() if after[key] is not value and key not in lazy
    ] == []
    assert not any(stacks)
    assert abs(time.time() - dt.datetime.now().timestamp()) < 60
    assert dt.datetime.now() > dt.datetime(2026, 2, 1)


@contextmanager
def generator_as_it_was() -> Iterator[None]:
    state = random.getstate()
    yield
    assert random.getstate() == state


async def draws() -> None:
    imported_choice("abc")
    random.seed(4)
    assert imported_time() == 1767225600
    assert imported_datetime.now(dt.UTC).year == 2026
    assert imported_date is not type(imported_date.today())
    api.freeze_time("1990-01-01").start()
    await asyncio.sleep(1)


def test_after_a_run() -> None:
    with generator_as_it_was():
        spectest.run(draws)


def test_within_a_run_they_are_exchanged() -> None:
    before = everything()

    async def program() -> int:
        return sum(value is not before[key] for key, value in everything().items() if key in before)

    assert spectest.run(program) > 50


def test_after_a_failure() -> None:
    async def fails() -> None:
        await draws()
        raise LookupError

    with generator_as_it_was(), pytest.raises(LookupError):
        spectest.run(fails)


def test_after_an_interrupt() -> None:
    async def interrupted() -> None:
        await draws()
        raise KeyboardInterrupt

    with generator_as_it_was(), pytest.raises(KeyboardInterrupt):
        spectest.run(interrupted)


def test_after_a_search_that_finds_and_shrinks() -> None:
    async def loses() -> None:
        await draws()
        async with asyncio.timeout(0.0105):
            await asyncio.sleep(0.01)

    with generator_as_it_was():
        failure = spectest.explore(loses).failure
    assert failure is not None
    assert failure.strategy != "stock order"


def test_after_a_confirmation() -> None:
    async def fails() -> None:
        random.random()
        await asyncio.sleep(0.01)
        raise LookupError(uuid.uuid4())

    with generator_as_it_was():
        failure = spectest.explore(fails, confirm=True).failure
    assert failure is not None
    assert failure.confirmation is not None
    assert failure.confirmation.confirmed


def test_a_module_that_is_imported_meanwhile_gets_the_real_things(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "late_one.py").write_text(
        "from datetime import datetime\nfrom os import urandom\nfrom random import choice\n"
    )
    monkeypatch.syspath_prepend(tmp_path)

    def program() -> tuple[int, bytes]:
        import late_one  # type: ignore[import-not-found]

        return late_one.datetime.now().year, late_one.urandom(3)

    first, second = spectest.run(program), spectest.run(program)
    assert first == second
    import late_one

    assert late_one.datetime is dt.datetime
    assert late_one.urandom is os.urandom
    assert late_one.choice is random.choice
