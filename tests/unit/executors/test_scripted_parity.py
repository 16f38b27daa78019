"""A program gives the same log on one stock thread and on a scripted executor."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import (
    FIRST_COMPLETED,
    FIRST_EXCEPTION,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    as_completed,
    wait,
)
from concurrent.futures.thread import BrokenThreadPool
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from spectest.executors import ScriptedExecutor

Log = list[Any]
MakePool = Callable[..., Executor]
PATIENCE_S = 30


def fails(error: BaseException) -> None:
    raise error


@contextmanager
def closed_gate() -> Iterator[threading.Event]:
    """Open it when the jobs may go on: a stock thread begins at once, ours when somebody waits."""
    gate = threading.Event()
    try:
        yield gate
    finally:
        gate.set()


def results_and_exceptions(make: MakePool, log: Log) -> None:
    with make() as pool:
        futures: list[Future[Any]] = [
            pool.submit(pow, 2, 5),
            pool.submit(int, "12", base=5),
            pool.submit(int, "x"),
            pool.submit(fails, KeyboardInterrupt("stop")),
        ]
        for future in futures:
            log.append(repr(future.exception()))
            try:
                log.append(future.result())
            except BaseException as error:
                log.append((repr(error), error is future.exception()))
            log.append((future.done(), future.running(), future.cancelled(), future.cancel()))


def jobs_run_in_order(make: MakePool, log: Log) -> None:
    with make() as pool:
        for number in range(5):
            pool.submit(log.append, number)
    log.append("left")


def arguments(make: MakePool, log: Log) -> None:
    with make() as pool:
        log.append(pool.submit(dict, self=1, fn=2, args=3).result())
        submit: Callable[..., object] = pool.submit
        for wrong in ({"fn": print}, {}):
            try:
                submit(**wrong)
            except TypeError:
                log.append("TypeError")


def mapping(make: MakePool, log: Log) -> None:
    with make() as pool:
        log.extend(pool.map(pow, [2, 3, 4], [5, 2], timeout=PATIENCE_S, chunksize=7))
        results = pool.map(int, ["1", "x", "3"])
        log.append(next(results))
        try:
            next(results)
        except ValueError as error:
            log.append(str(error))
        log.append(list(results))
        log.append(list(pool.map(int, [])))


def cancelling_a_pending_job(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        blocked: Future[Any] = pool.submit(gate.wait, PATIENCE_S)
        pending: Future[Any] = pool.submit(log.append, "never called")
        pending.add_done_callback(lambda future: log.append(("told", future.cancelled())))
        log.append((pending.cancel(), pending.cancel(), pending.done(), pending.running()))
        for ask in (pending.result, pending.exception):
            try:
                ask()
            except CancelledError:
                log.append("CancelledError")
        gate.set()
        log.append(blocked.result())
        log.append(len(wait([blocked, pending]).done))


def states_seen_from_inside(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        futures: list[Future[Any]] = []

        def job() -> None:
            gate.wait(PATIENCE_S)
            log.append((futures[0].running(), futures[0].done(), futures[0].cancel()))

        futures.append(pool.submit(job))
        gate.set()
        futures[0].result()


def callbacks(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        future = pool.submit(gate.wait, PATIENCE_S)
        future.add_done_callback(lambda future: log.append(("one", future.result())))
        future.add_done_callback(lambda future: fails(OSError("in a callback")))
        future.add_done_callback(lambda future: log.append(pool.submit(abs, -1).running()))
        gate.set()
        future.result()
        last = pool.submit(abs, -2)
        last.result()
        last.add_done_callback(lambda future: log.append(("at once", future.result())))
        last.add_done_callback(lambda future: fails(OSError("at once")))


def first_completed(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        quick: Future[Any] = pool.submit(abs, -1)
        slow: Future[Any] = pool.submit(gate.wait, PATIENCE_S)
        done, not_done = wait([slow, quick, quick], return_when=FIRST_COMPLETED)
        log.append((done == {quick}, not_done == {slow}))
        again = wait([slow, quick], return_when=FIRST_COMPLETED)
        log.append(again == (done, not_done))


def first_exception(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        futures: list[Future[Any]] = [
            pool.submit(abs, -1),
            pool.submit(fails, OSError("down")),
            pool.submit(gate.wait, PATIENCE_S),
        ]
        done, not_done = wait(futures, return_when=FIRST_EXCEPTION)
        log.append([future in done for future in futures])
        again = wait(futures, return_when=FIRST_EXCEPTION)
        log.append(again == (done, not_done))
        try:
            wait(futures, return_when="SECOND_COMPLETED")
        except ValueError as error:
            log.append(str(error))


def completion_order(make: MakePool, log: Log) -> None:
    with make() as pool, closed_gate() as gate:
        blocked = pool.submit(gate.wait, PATIENCE_S)
        futures: list[Future[Any]] = [blocked, *(pool.submit(abs, -n) for n in range(3))]
        opens = threading.Timer(0.02, gate.set)
        opens.start()
        log.extend(future.result() for future in as_completed([*futures, blocked]))
        opens.join()
        log.append({future.result() for future in as_completed(futures, timeout=PATIENCE_S)})


def submitting_after_shutdown(make: MakePool, log: Log) -> None:
    with make() as pool:
        future = pool.submit(abs, -1)
        pool.shutdown()
        log.append(future.done())
        try:
            pool.submit(abs, -1)
        except RuntimeError as error:
            log.append((type(error), str(error)))


def initializing(make: MakePool, log: Log) -> None:
    with make(initializer=log.append, initargs=("ready",)) as pool:
        pool.submit(log.append, "one")
        pool.submit(log.append, "two")


def failing_to_initialize(make: MakePool, log: Log) -> None:
    with closed_gate() as gate:

        def initializer() -> None:
            gate.wait(PATIENCE_S)
            raise OSError("no licence")

        with make(initializer=initializer) as pool:
            futures = [pool.submit(abs, -1), pool.submit(abs, -2)]
            gate.set()
            for future in futures:
                log.append(repr(future.exception()))
            try:
                pool.submit(abs, -1)
            except BrokenThreadPool as error:
                log.append(str(error))


def submitting_from_a_job(make: MakePool, log: Log) -> None:
    with make() as pool:
        inner = pool.submit(pool.submit, log.append, "inner").result()
        log.append(inner.result())


def one_exception_for_several_jobs(make: MakePool, log: Log) -> None:
    error = ValueError("shared")
    with make() as pool:
        for future in [pool.submit(fails, error), pool.submit(fails, error)]:
            with pytest.raises(ValueError, match="shared") as caught:
                future.result()
            log.append(caught.value is error)


PROGRAMS = [
    results_and_exceptions,
    jobs_run_in_order,
    arguments,
    mapping,
    cancelling_a_pending_job,
    states_seen_from_inside,
    callbacks,
    first_completed,
    first_exception,
    completion_order,
    submitting_after_shutdown,
    initializing,
    failing_to_initialize,
    submitting_from_a_job,
    one_exception_for_several_jobs,
]


def log_of(program: Callable[[MakePool, Log], None], make: MakePool) -> Log:
    """What the program says, and what `concurrent.futures` logs meanwhile."""
    log: Log = []
    records: Log = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            error = record.exc_info[1] if record.exc_info else None
            records.append((record.levelname, str(record.msg), repr(error)))

    handler, logger = Handler(), logging.getLogger("concurrent.futures")
    logger.addHandler(handler)
    try:
        program(make, log)
    finally:
        logger.removeHandler(handler)
    assert log
    return log + records


@pytest.mark.parametrize("workers", [None, 1])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.__name__)
def test_the_log_is_that_of_one_stock_thread(
    program: Callable[[MakePool, Log], None], workers: int | None
) -> None:
    stock = log_of(program, partial(ThreadPoolExecutor, 1))
    assert log_of(program, partial(ScriptedExecutor, workers)) == stock


def test_the_logs_can_differ() -> None:
    """The comparison can fail: a program that looks at threads tells the two apart."""

    def threads(make: MakePool, log: Log) -> None:
        with make() as pool:
            log.append(pool.submit(threading.get_ident).result() == threading.get_ident())

    assert log_of(threads, partial(ThreadPoolExecutor, 1)) != log_of(threads, ScriptedExecutor)
