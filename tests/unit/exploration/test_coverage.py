"""Which lines run in stock order, which only under another one, and which never."""

import asyncio
import concurrent.futures
import functools
import gc
import importlib
import inspect
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import spectest
from spectest.executors import VirtualThreadPool
from spectest.exploration.results import Coverage, CoveredFile, UnusualLine

HERE = str(Path(__file__).absolute())


def coverage_of(program: Callable[[], Any], **settings: Any) -> Coverage:
    found = spectest.explore(program, coverage=True, **settings).coverage
    assert found is not None
    return found


def here(coverage: Coverage) -> CoveredFile:
    (file,) = (file for file in coverage.files if file.file == HERE)
    return file


def marked(mark: str) -> tuple[int, ...]:
    """The lines of this file with a mark at their end."""
    lines = Path(__file__).read_text("utf-8").splitlines()
    return tuple(n for n, line in enumerate(lines, 1) if line.endswith(f"  # {mark}"))


async def ask() -> str:
    await asyncio.sleep(0.095)
    return "answer"


async def answer() -> str:
    try:
        async with asyncio.timeout(0.100):
            return await ask()
    except TimeoutError:  # late answer
        return "late"  # late answer


async def hedged() -> None:
    if await answer() == "":
        raise AssertionError  # never here


def test_a_handler_that_only_a_late_answer_reaches() -> None:
    coverage = coverage_of(hedged)
    file = here(coverage)
    assert tuple(it.line for it in file.unusual) == marked("late answer")
    assert file.never == marked("never here")
    assert set(file.stock).isdisjoint({*marked("late answer"), *marked("never here")})
    assert coverage.unusual_executions > 0
    assert coverage.remark == ""


def test_an_execution_without_a_deviation_is_in_stock_order() -> None:
    """Whoever chooses may choose what stock CPython does, again and again."""
    coverage = coverage_of(hedged, strategy="fifo", runs=5)
    assert (coverage.stock_executions, coverage.unusual_executions) == (5, 0)
    assert coverage_of(hedged, strategy="random", runs=40).stock_executions > 2


def test_its_plan_and_token_lead_there() -> None:
    for line in here(coverage_of(hedged)).unusual:
        assert spectest.run(answer) == "answer"
        assert spectest.run(answer, plan=line.plan) == "late"
        assert spectest.replay(answer, line.token) == "late"
        assert set(line.plan.holds) == {"ask#1"}
        assert line.first > 2
        assert line.executions > 1


def test_the_same_search_has_the_same_report() -> None:
    assert coverage_of(hedged) == coverage_of(hedged)


def test_nothing_is_measured_unless_asked_for() -> None:
    assert spectest.explore(hedged).coverage is None


async def in_order() -> None:
    await asyncio.gather(asyncio.sleep(0.010), asyncio.sleep(0.0105))


@pytest.mark.parametrize("settings", [{}, {"order": "strict"}, {"runs": 1}, {"elasticity": 0}])
def test_stock_order_runs_everything(settings: dict[str, Any]) -> None:
    coverage = coverage_of(in_order, **settings)
    assert [file.unusual for file in coverage.files] == [()]
    assert here(coverage).never == ()


# In a task, a thread, a pool: the second comes first only under an unusual order.


def judge(order: list[int]) -> None:
    if order == [2]:
        order.append(0)  # second first


async def in_tasks() -> None:
    order: list[int] = []

    async def finish(number: int) -> None:
        await asyncio.sleep(0.1 + number / 1000)
        order.append(number)
        judge(order)

    await asyncio.gather(finish(1), finish(2))


def finish_blocking(order: list[int], number: int) -> None:
    time.sleep(0.1 + number / 1000)
    order.append(number)
    judge(order)


def in_threads() -> None:
    order: list[int] = []
    threads = [threading.Thread(target=finish_blocking, args=(order, n)) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def in_pool(pool_type: Callable[[int], Any] = concurrent.futures.ThreadPoolExecutor) -> None:
    order: list[int] = []
    with pool_type(2) as pool:
        list(pool.map(functools.partial(finish_blocking, order), (1, 2)))


def in_virtual_pool() -> None:
    in_pool(VirtualThreadPool)


async def in_executor() -> None:
    order: list[int] = []
    await asyncio.gather(*(asyncio.to_thread(finish_blocking, order, n) for n in (1, 2)))


PROGRAMS = [in_tasks, in_threads, in_pool, in_virtual_pool, in_executor]


@pytest.mark.parametrize("program", PROGRAMS)
@pytest.mark.parametrize("lines", [(), "*"])
def test_wherever_the_program_runs(program: Callable[[], Any], lines: Any) -> None:
    file = here(coverage_of(program, lines=lines, runs=60))
    assert [it.line for it in file.unusual] == list(marked("second first"))
    assert file.never == ()


def child(number: int) -> int:
    time.sleep(0.1 + number / 1000)
    return number  # in a child


async def in_process_pool() -> None:
    loop = asyncio.get_running_loop()
    with concurrent.futures.ProcessPoolExecutor(2) as pool:
        await asyncio.gather(*(loop.run_in_executor(pool, child, n) for n in (1, 2)))


def test_jobs_of_a_process_pool_are_lines_of_the_program() -> None:
    assert set(marked("in a child")) <= set(here(coverage_of(in_process_pool, runs=10)).stock)


# What counts.


async def fails_when_late() -> None:
    assert await answer() == "answer"


def test_executions_count_up_to_the_failure_and_shrinking_does_not() -> None:
    report = spectest.explore(fails_when_late, coverage=True)
    assert report.failure is not None
    assert report.failure.shrunk_in > 0
    coverage = report.coverage
    assert coverage is not None
    assert coverage.stock_executions + coverage.unusual_executions == report.executions
    found = report.failure.found_at
    assert {(it.first, it.executions) for it in here(coverage).unusual} == {(found, 1)}


def test_a_saved_failure_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    spectest.explore(fails_when_late, database=True)
    file = here(coverage_of(fails_when_late, database=True))
    assert {it.first for it in file.unusual} == {3}


def test_looks_between_lines_and_the_margin_do_not_count() -> None:
    report = spectest.explore(in_threads, coverage=True, runs=40, margin=True)
    coverage = report.coverage
    assert coverage is not None
    assert coverage.stock_executions + coverage.unusual_executions == report.executions


def test_libraries_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "of_a_library.py").write_text("def work():\n    return 1\n")
    monkeypatch.syspath_prepend(folder)
    work = importlib.import_module("of_a_library").work

    def program() -> None:
        assert work() == 1

    assert [file.file for file in coverage_of(program).files] == [HERE]


def test_threads_that_are_not_the_program_s_do_not_count() -> None:
    done = threading.Event()
    running = threading.Event()

    def elsewhere() -> None:
        while not done.is_set():
            running.set()  # somewhere else

    thread = threading.Thread(target=elsewhere)
    thread.start()
    running.wait()
    try:
        coverage = coverage_of(in_order, runs=5)
    finally:
        done.set()
        thread.join()
    assert set(marked("somewhere else")).isdisjoint(here(coverage).stock)


class Circle:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        self.itself = None  # type: ignore[assignment]  # in a finalizer


async def leaves_circles() -> None:
    Circle()
    await asyncio.gather(asyncio.sleep(0.010), asyncio.sleep(0.0105))


def test_what_the_collector_finds_later_does_not_count() -> None:
    threshold = gc.get_threshold()
    gc.set_threshold(1)
    try:
        coverage = coverage_of(leaves_circles)
    finally:
        gc.set_threshold(*threshold)
    assert set(marked("in a finalizer")).isdisjoint(here(coverage).stock)
    assert here(coverage).unusual == ()


def test_the_fewest_deviations_are_kept() -> None:
    async def crowd() -> None:
        order: list[int] = []

        async def finish(number: int) -> None:
            await asyncio.sleep(0.1 + number / 1000)
            order.append(number)

        await asyncio.gather(*map(finish, range(6)))
        if order[0] == 1:
            order.clear()

    (line,) = here(coverage_of(crowd)).unusual
    (early,) = here(coverage_of(crowd, runs=line.first)).unusual
    assert (early.first, early.executions) == (line.first, 1)
    assert len(line.plan) < len(early.plan)


def test_nothing_is_left_of_it() -> None:
    before = sys.gettrace(), threading.gettrace(), gc.isenabled()
    coverage_of(in_threads, runs=3)
    assert (sys.gettrace(), threading.gettrace(), gc.isenabled()) == before
    if sys.version_info >= (3, 12):
        assert sys.monitoring.get_tool(3) is None


@pytest.mark.parametrize("kind", [Coverage, CoveredFile, UnusualLine])
def test_every_field_is_explained(kind: type) -> None:
    named = re.findall(r"`(\w+)`", inspect.getdoc(kind) or "")
    assert set(inspect.get_annotations(kind)) <= set(named)
