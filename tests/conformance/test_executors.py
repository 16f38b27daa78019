"""The same program on stock pools in real time and on ours in a world: the same log."""

import functools
import logging
import multiprocessing
import re
import warnings
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import pytest

import spectest
from spectest.executors import VirtualProcessPool, VirtualThreadPool
from tests.conformance.process_programs import FORKING, SPAWNING, Log, MakePool, who_is_who
from tests.unit.executors.test_scripted_parity import PROGRAMS, log_of

Program = Callable[[MakePool, Log], None]


def name_of(program: Any) -> str:
    inner = getattr(program, "func", program)
    rest = "".join(f"-{argument.__name__}" for argument in getattr(program, "args", ()))
    return f"{inner.__name__}{rest}"


class LogHandler(logging.Handler):
    def __init__(self, log: Log) -> None:
        super().__init__()
        self.log = log

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.log.append((record.levelname, record.getMessage(), repr(error)))


def said(program: Program, make: MakePool) -> Log:
    """The log, without addresses; a forked child is allowed beside other threads."""
    log: Log = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        program(make, log)
    assert log
    return [
        re.sub(r"0x[0-9a-f]+", "0x", entry) if isinstance(entry, str) else entry for entry in log
    ]


def process_pool(kind: Any, method: str) -> MakePool:
    return functools.partial(kind, mp_context=multiprocessing.get_context(method))


@functools.cache
def stock(program: Program, method: str) -> Log:
    return said(program, process_pool(ProcessPoolExecutor, method))


def in_a_world(program: Program, method: str, kind: Any) -> Any:
    return spectest.run(lambda: said(program, process_pool(kind, method)))


@pytest.mark.parametrize("kind", [VirtualProcessPool, ProcessPoolExecutor])
@pytest.mark.parametrize("program", FORKING, ids=name_of)
def test_process_pools_that_fork(program: Program, kind: Any) -> None:
    assert in_a_world(program, "fork", kind) == stock(program, "fork")


@pytest.mark.parametrize("program", SPAWNING, ids=name_of)
def test_process_pools_that_spawn(program: Program) -> None:
    assert in_a_world(program, "spawn", VirtualProcessPool) == stock(program, "spawn")


@pytest.mark.parametrize("program", [who_is_who, *FORKING[:2]], ids=name_of)
def test_outside_of_a_world_it_is_the_stock_pool(program: Program) -> None:
    assert said(program, process_pool(VirtualProcessPool, "fork")) == stock(program, "fork")


@pytest.mark.parametrize("kind", [ThreadPoolExecutor, VirtualThreadPool])
@pytest.mark.parametrize("program", PROGRAMS, ids=name_of)
def test_thread_pools(program: Program, kind: Any) -> None:
    expected = log_of(program, functools.partial(ThreadPoolExecutor, 1))
    make = functools.partial(kind, 1)
    assert spectest.run(lambda: log_of(program, make)) == expected
    assert log_of(program, make) == expected


def test_the_logs_can_differ() -> None:
    def threads(make: MakePool, log: Log) -> None:
        with make(1) as pool:
            log.append(pool.submit(pow, 2, 5).result())
            log.append(type(multiprocessing.current_process()).__name__)
            log.append(next(iter(pool._processes)) > 10_000_000)  # type: ignore[attr-defined]

    assert in_a_world(threads, "fork", VirtualProcessPool) != stock(threads, "fork")
