"""Through whole executions: who did it, at which line, and that nothing else changes."""

import asyncio
import contextvars
import os
import sqlite3
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import spectest
from spectest import oracles, watch
from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.kernel.trace import Trace, TraceEvent
from spectest.watch.watcher import watcher


class Silent:
    name = "silent"

    def judge(self, trace: Trace, reference: Trace | None) -> tuple[oracles.Verdict, ...]:
        return ()


def trace_of(program: Callable[[], Any], *, record: bool = True) -> Trace:
    limits = Settings(oracles=(Silent(),)).limits
    outcome = execute(program, Plan(), limits, record=record)
    assert outcome.error is None, outcome.error
    assert outcome.trace is not None
    return outcome.trace


def writes(trace: Trace) -> list[tuple[str, str, str]]:
    return [(it.task, it.subject, it.detail) for it in trace.of_kind("write")]


def source(event: TraceEvent) -> str:
    lines = Path(event.where.file).read_text().splitlines()
    return lines[event.where.line - 1].strip()


audit: list[Any] = []


@pytest.fixture(autouse=True)
def empty() -> None:
    audit.clear()


def describe(name: str) -> str:
    for letter in name:
        name = name.replace(letter, letter.upper())
    return name


async def child(name: str, seconds: float) -> None:
    await asyncio.sleep(seconds)
    audit.append(describe(name))
    audit[-1] += "!"
    await asyncio.sleep(0)


async def two_children() -> None:
    audit.clear()
    watch.objects(audit=audit)
    async with asyncio.TaskGroup() as group:
        group.create_task(child("a", 0.020), name="first")
        group.create_task(child("b", 0.010), name="second")


def test_a_write_says_who_and_what_and_which_line() -> None:
    trace = trace_of(two_children)
    assert writes(trace) == [
        ("second", "audit[0]", "absent -> 'B'"),
        ("second", "audit[0]", "'B' -> 'B!'"),
        ("first", "audit[1]", "absent -> 'A'"),
        ("first", "audit[1]", "'A' -> 'A!'"),
    ]
    lines = [source(event) for event in trace.of_kind("write")]
    assert lines[0] == lines[2] == "audit.append(describe(name))"
    assert lines[1].startswith("audit[-1]")
    assert [event.subject for event in trace.of_kind("watch")] == ["audit"]


def test_without_lines_a_step_is_known_and_its_writes_are_one() -> None:
    assert writes(trace_of(two_children, record=False)) == [
        ("second", "audit[0]", "absent -> 'B!'"),
        ("first", "audit[1]", "absent -> 'A!'"),
    ]


async def line_across_an_await() -> None:
    watch.objects(audit=audit)

    async def answer() -> str:
        await asyncio.sleep(0.010)
        return "late"

    audit.append(await answer())


def test_a_line_that_was_suspended_is_still_the_line() -> None:
    (write,) = trace_of(line_across_an_await).of_kind("write")
    assert source(write) == "audit.append(await answer())"


async def timer() -> None:
    watch.objects(audit=audit)

    async def asks() -> None:
        asyncio.get_running_loop().call_later(0.010, audit.append, "x")

    await asyncio.create_task(asks(), name="asks")


def test_a_callback_leads_to_the_task_that_asked_for_it() -> None:
    trace = trace_of(timer)
    (write,) = trace.of_kind("write")
    assert (write.task, write.detail) == ("", "absent -> 'x'")
    start = trace[trace[write.cause].cause]
    assert (start.kind, start.task) == ("start", "asks")


def threads() -> None:
    watch.objects(audit=audit)

    def work(name: str, seconds: float) -> None:
        time.sleep(seconds)
        audit.append(name)

    several = [
        threading.Thread(target=work, args=(name, seconds), name=name)
        for name, seconds in (("one", 0.020), ("two", 0.010))
    ]
    for thread in several:
        thread.start()
    for thread in several:
        thread.join()


@pytest.mark.parametrize("record", [True, False])
def test_threads_are_told_apart(record: bool) -> None:
    assert writes(trace_of(threads, record=record)) == [
        ("two", "audit[0]", "absent -> 'two'"),
        ("one", "audit[1]", "absent -> 'one'"),
    ]


def reused_worker() -> None:
    watch.objects(audit=audit)

    def submits(pool: ThreadPoolExecutor, name: str) -> None:
        pool.submit(audit.append, name).result()

    with ThreadPoolExecutor(1) as pool:
        for name in ("one", "two"):
            thread = threading.Thread(target=submits, args=(pool, name), name=name)
            thread.start()
            thread.join()


def test_a_job_begins_because_it_was_submitted() -> None:
    trace = trace_of(reused_worker)
    begun = [it for it in trace.of_kind("job") if it.detail == "begins"]
    assert [trace[it.cause].task for it in begun] == ["one", "two"]
    assert [it.subject for it in trace.of_kind("write")] == ["audit[0]", "audit[1]"]


module = types.ModuleType("app.state")
model: contextvars.ContextVar[str] = contextvars.ContextVar("model")


async def everything() -> None:
    vars(module).update(hits=0, limit=5, sys=sys, _private=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "shop.db"
        with closing(sqlite3.connect(path)) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("CREATE TABLE t (x)")
        (Path(folder) / "out").mkdir()
        watch.module(module)
        watch.sqlite(path)
        watch.directory(Path(folder) / "out")
        watch.environment()
        watch.context(model)
        vars(module)["hits"] += 1
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("INSERT INTO t VALUES (1)")
        (Path(folder) / "out" / "a.txt").write_text("pear")
        os.environ["SPECTEST_X"] = "1"
        del os.environ["SPECTEST_X"]
        model.set("llm")


def test_all_that_can_be_watched_is_watched() -> None:
    assert [it[1:] for it in writes(trace_of(everything))] == [
        ("app.state.hits", "0 -> 1"),
        ("shop.db: table t row 1", "absent -> (1)"),
        ("out/a.txt", "absent -> 'pear'"),
        ("os.environ['SPECTEST_X']", "absent -> '1'"),
        ("os.environ['SPECTEST_X']", "'1' -> absent"),
        ("context variable model", "absent -> 'llm'"),
    ]


def test_chosen_globals_are_the_only_ones() -> None:
    async def program() -> None:
        vars(module).update(hits=0, limit=5)
        watch.module(module, "limit")
        vars(module).update(hits=1, limit=6)

    assert [it[1] for it in writes(trace_of(program))] == ["app.state.limit"]


def test_many_changes_at_once_are_summed_up() -> None:
    async def program() -> None:
        watch.objects(audit=audit)
        audit.extend(range(30))

    found = writes(trace_of(program))
    assert len(found) == 21
    assert found[-1][1:] == ("audit and 10 more of its parts", "changed")


def test_two_of_one_name_get_numbers() -> None:
    async def program() -> None:
        for _ in range(2):
            mine: list[int] = []
            watch.objects(mine=mine)
            mine.append(1)

    assert [it[1] for it in writes(trace_of(program))] == ["mine[0]", "mine (2)[0]"]


async def choosing() -> None:
    names: set[asyncio.Task[None]] = set()
    watch.objects(names=names, audit=audit)
    names |= {asyncio.create_task(child(name, 0.010)) for name in "abc"}
    await asyncio.wait(names)
    assert audit != ["B!", "A!", "C!"]


async def choosing_unwatched() -> None:
    names: set[asyncio.Task[None]] = set()
    names |= {asyncio.create_task(child(name, 0.010)) for name in "abc"}
    await asyncio.wait(names)
    assert audit != ["B!", "A!", "C!"]


def test_a_watched_program_makes_the_choices_of_an_unwatched_one() -> None:
    def token(program: Callable[[], Any], **settings: Any) -> str:
        def fresh() -> Any:
            audit.clear()
            return program()

        failure = spectest.explore(fresh, **settings).failure
        assert failure is not None
        assert isinstance(failure.error, AssertionError)
        return failure.token

    assert token(choosing, oracles=Silent()) == token(choosing_unwatched)


def test_outside_of_a_judged_world_nothing_happens() -> None:
    assert watcher() is None
    watch.objects(audit=audit)
    watch.environment()
    seen: list[object] = []

    async def program() -> None:
        watch.objects(audit=audit)
        seen.append(watcher())

    spectest.run(program)
    assert seen == [None]


def test_what_cannot_be_watched_is_refused(tmp_path: Path) -> None:
    async def memory() -> None:
        watch.sqlite(":memory:")

    with pytest.raises(spectest.UsageError, match="a database in memory"):
        spectest.run(memory, oracles=Silent())
    with pytest.raises(spectest.UsageError, match="no such directory"):
        watch.directory(tmp_path / "nowhere")
    with pytest.raises(spectest.UsageError, match=r"app\.state has no global 'nothing'"):
        watch.module(module, "nothing")
    with pytest.raises(spectest.UsageError, match="pass the module itself"):
        watch.module("app.state")  # type: ignore[arg-type]
    with pytest.raises(spectest.UsageError, match=r"no contextvars\.ContextVar"):
        watch.context("model")  # type: ignore[arg-type]
