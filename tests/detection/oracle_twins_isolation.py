"""Races, in pairs: the losers of one leave something behind, those of the other leave nothing.

Those in which something goes on that a loser has begun are in `oracle_twins_aftermath`.
"""

from __future__ import annotations

import asyncio
import contextvars
import os
import sqlite3
import tempfile
import types
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from spectest import watch
from spectest.oracles.isolation import CANCELLED, LATE, LOST
from spectest.services import FakeService
from tests.detection import oracle_twins_aftermath as aftermath
from tests.detection.told_races import Branch, attempt, best_of, each, nothing, services, tell

__all__ = ["HEALTHY", "TWINS", "Twins"]

Program = Callable[[], Any]


@dataclass(frozen=True)
class Twins:
    """`findings`: what the oracle may say of the broken one."""

    broken: Program
    healthy: Program
    findings: tuple[str, ...] = (LOST,)


# A dict that all of them share.


async def shared_dict() -> Any:
    shared: dict[str, str] = {}
    watch.objects(shared=shared)
    return await best_of(each(shared.__setitem__))


async def own_dicts() -> Any:
    shared: dict[str, str] = {}
    watch.objects(shared=shared)
    shared["answer"] = answer = await best_of(each(nothing))
    return answer


# A row that is committed before the decision.


def payments(folder: str) -> Path:
    path = Path(folder) / "shop.db"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = MEMORY")
        database.execute("CREATE TABLE payments (branch TEXT, answer TEXT)")
    watch.sqlite(path)
    return path


def insert(path: Path, name: str, answer: str) -> None:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA journal_mode = MEMORY")
        database.execute("INSERT INTO payments VALUES (?, ?)", (name, answer))


async def writes_before_the_decision() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = payments(folder)
        return await best_of(each(lambda name, answer: insert(path, name, answer)))


async def writes_after_the_decision() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = payments(folder)
        answer = await best_of(each(nothing))
        insert(path, "the winner", answer)
        return answer


async def losers_roll_back() -> Any:
    """`llm` keeps its row in a transaction while it asks, and takes it back in any case."""
    with tempfile.TemporaryDirectory() as folder:
        path = payments(folder)
        llm, rules = services()

        async def in_a_transaction(name: str) -> Any:
            with closing(sqlite3.connect(path)) as database:
                database.execute("INSERT INTO payments VALUES (?, 'draft')", (name,))
                answer = await llm()
                database.rollback()
            return answer

        async def without(name: str) -> Any:
            return await rules()

        answer = await best_of([in_a_transaction, without])
        insert(path, "the winner", answer)
        return answer


# A file.


async def loser_writes_a_file() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        watch.directory(folder, name="out")
        return await best_of(each(lambda name, answer: save(folder, name, answer)))


def save(folder: str, name: str, answer: str) -> None:
    (Path(folder) / f"{name}.txt").write_text(answer)


async def winner_writes_a_file() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        watch.directory(folder, name="out")
        answer = await best_of(each(nothing))
        save(folder, "answer", answer)
        return answer


# The environment.


async def sets_the_environment() -> Any:
    """And takes everything back at its end, as a test does."""
    watch.environment()
    try:
        return await best_of(each(lambda name, answer: os.environ.update(MODEL=name)))
    finally:
        os.environ.pop("MODEL", None)


async def passes_it_on() -> Any:
    watch.environment()
    try:
        answer = await best_of(each(nothing))
        os.environ["MODEL"] = answer
        return answer
    finally:
        os.environ.pop("MODEL", None)


# A context variable.

model: contextvars.ContextVar[str] = contextvars.ContextVar("model", default="none")


async def primary_or_backup(*, isolated: bool) -> Any:
    """The primary has 30 ms; without a task of its own it shares the caller's context."""
    watch.context(model)
    race = object()
    tell("speculation", speculation=race, detail="primary, then backup")
    llm = FakeService("llm", latency=(0.020, 0.040), answer="yes")
    rules = FakeService("rules", latency=0.010, answer="yes")

    async def choose(service: FakeService, name: str) -> Any:
        model.set(name)
        return await service()

    async def run(service: FakeService, name: str) -> tuple[object, Any]:
        made = attempt(name, lambda name: choose(service, name), race)
        return await (asyncio.create_task(made) if isolated else made)

    try:
        async with asyncio.timeout(0.030):
            winner, value = await run(llm, "llm")
    except TimeoutError:
        winner, value = await asyncio.create_task(run(rules, "rules"))
    tell("decision", speculation=race, attempt=winner, value=value)
    return value


async def leaks_a_context_variable() -> Any:
    return await primary_or_backup(isolated=False)


async def copies_the_context() -> Any:
    return await primary_or_backup(isolated=True)


# A global.

app = types.ModuleType("app")
vars(app)["calls"] = 0


async def counted(*, inside: bool) -> Any:
    vars(app)["calls"] = 0
    watch.module(app)

    def count(name: str, answer: str) -> None:
        vars(app)["calls"] += 1

    answer = await best_of(each(count if inside else nothing))
    if not inside:
        count("", "")
    return answer


async def counts_in_the_branch() -> Any:
    return await counted(inside=True)


async def counts_the_answer() -> Any:
    return await counted(inside=False)


# The inputs.


async def sorts(*, copied: bool) -> Any:
    words = ["pear", "apple"]
    watch.objects(words=words)

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            mine = list(words) if copied else words
            answer = await service()
            if name == "rules":
                mine.sort()
            return f"{answer}: {mine[0]}"

        return branch

    return await best_of([made(service) for service in services()])


async def sorts_the_input() -> Any:
    return await sorts(copied=False)


async def sorts_a_copy() -> Any:
    return await sorts(copied=True)


# Nobody wins.


async def all_fail(*, tidy: bool) -> Any:
    audit: list[str] = []
    watch.objects(audit=audit)

    async def fails(name: str) -> None:
        await asyncio.sleep(0.010)
        audit.append(name)
        if tidy:
            audit.remove(name)
        raise LookupError(name)

    return await best_of([fails])


async def failures_leave_something() -> Any:
    return await all_fail(tidy=False)


async def failures_leave_nothing() -> Any:
    return await all_fail(tidy=True)


async def writes_and_takes_back() -> Any:
    at_work: set[str] = set()
    watch.objects(at_work=at_work)

    def made(service: FakeService) -> Branch:
        async def branch(name: str) -> Any:
            at_work.add(name)
            try:
                return await service()
            finally:
                at_work.remove(name)

        return branch

    return await best_of([made(service) for service in services()])


TWINS = {
    "a shared dict": Twins(shared_dict, own_dicts),
    "a row before the decision": Twins(writes_before_the_decision, writes_after_the_decision),
    "a file": Twins(loser_writes_a_file, winner_writes_a_file),
    "the environment": Twins(sets_the_environment, passes_it_on),
    "a context variable": Twins(leaks_a_context_variable, copies_the_context),
    "an orphan": Twins(aftermath.orphan, aftermath.awaited_child, (LATE,)),
    "a forgotten timer": Twins(aftermath.forgotten_timer, aftermath.timer_of_the_pipeline, (LATE,)),
    "a dead handle": Twins(
        aftermath.dead_handle, aftermath.booked_by_the_pipeline, (LATE, CANCELLED, LOST)
    ),
    "a thread": Twins(
        aftermath.thread_writes_after_the_return, aftermath.caller_of_threads_writes, (LATE,)
    ),
    "a job": Twins(aftermath.job_of_a_loser, aftermath.job_of_the_pipeline, (LATE,)),
    "a global": Twins(counts_in_the_branch, counts_the_answer),
    "an input": Twins(sorts_the_input, sorts_a_copy),
    "no winner": Twins(failures_leave_something, failures_leave_nothing),
    "last words": Twins(aftermath.speaks_when_cancelled, aftermath.goes_silently, (CANCELLED,)),
}
HEALTHY = {name: twins.healthy for name, twins in TWINS.items()} | {
    "a rollback": losers_roll_back,
    "an undone write": writes_and_takes_back,
}
