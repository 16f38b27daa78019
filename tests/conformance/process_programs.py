"""Programs around a process pool, each of which writes down what it sees."""

import os
import time
from collections.abc import Callable
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    as_completed,
    wait,
)
from functools import partial
from typing import Any

from tests.conformance import process_jobs as jobs

Log = list[Any]
MakePool = Callable[..., Executor]


def outcome(future: Future[Any]) -> Any:
    """What has become of it, and what the exception says of its cause."""
    try:
        return future.result(timeout=30)
    except (Exception, SystemExit, CancelledError) as error:
        cause = "" if error.__cause__ is None else type(error.__cause__).__name__
        return type(error).__name__, str(error), cause


def results_and_exceptions(make: MakePool, log: Log) -> None:
    with make(2) as pool:
        futures: list[Future[Any]] = [
            pool.submit(pow, 2, 5),
            pool.submit(int, "12", base=5),
            pool.submit(int, "x"),
            pool.submit(jobs.fail, KeyError("gone")),
            pool.submit(jobs.leave),
        ]
        log.extend(map(outcome, futures))
        log.extend((f.done(), f.running(), f.cancelled(), f.cancel()) for f in futures)


def remote_tracebacks(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        error = pool.submit(jobs.divide, 0).exception()
        assert error is not None
        log.append((repr(error), error.__context__, error.__suppress_context__))
        log.append(str(error.__cause__))


def arguments_that_cannot_be_pickled(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        futures: list[Future[Any]] = [
            pool.submit(lambda: 1),
            pool.submit(jobs.give_back, lambda: 1),
            pool.submit(jobs.give_back, jobs.make_generator()),
            pool.submit(jobs.give_back, jobs.Unpicklable()),
            pool.submit(jobs.give_back, thing=(number for number in range(3))),
            pool.submit(jobs.double, 4),
        ]
        log.extend(map(outcome, futures))
        error = futures[0].exception()
        assert error is not None
        log.append("_feed" in str(error.__cause__) or "put" in str(error.__cause__))


def locks_and_futures_cannot_be_pickled(make: MakePool, log: Log) -> None:
    import queue
    import threading

    things: list[Any] = [threading.Lock(), threading.RLock(), threading.Event(), Future()]
    things += [queue.Queue(), queue.SimpleQueue()]
    with make(1) as pool:
        log.extend(outcome(pool.submit(jobs.give_back, thing)) for thing in things)


def results_that_cannot_be_pickled(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        log.append(outcome(pool.submit(jobs.make_generator)))
        log.append(outcome(pool.submit(jobs.raise_unpicklable)))
        log.append(outcome(pool.submit(jobs.double, 4)))


def arguments_that_cannot_be_unpickled(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        log.append(outcome(pool.submit(jobs.give_back, jobs.BreaksOnArrival())))
        log.append(outcome_of_submitting(pool))


def exceptions_that_cannot_be_unpickled(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        future = pool.submit(jobs.raise_two_arguments)
        log.append(outcome(future))
        error = future.exception()
        assert error is not None
        log.append("missing 1 required positional argument" in str(error.__cause__))
        log.append(outcome_of_submitting(pool))


def outcome_of_submitting(pool: Executor) -> Any:
    try:
        return outcome(pool.submit(jobs.double, 4))
    except RuntimeError as error:
        return type(error).__name__, str(error)


def nothing_is_shared(make: MakePool, log: Log) -> None:
    numbers = [1]
    jobs.seen.clear()
    with make(1) as pool:
        result = pool.submit(jobs.append_to, numbers).result()
        log.append((numbers, result, result is numbers))
        log.append([pool.submit(jobs.remember, text).result() for text in "abc"])
        log.append([pool.submit(jobs.count_tasks).result() for _ in range(3)])
        log.append((jobs.seen, jobs.tasks_done, jobs.licence))


def initializing(make: MakePool, log: Log) -> None:
    with make(2, initializer=jobs.initialize, initargs=("ready",)) as pool:
        log.append(list(pool.map(jobs.give_back, range(3))))
        log.append(pool.submit(jobs.licensed).result())
        log.append(jobs.licence)


def failing_to_initialize(make: MakePool, log: Log) -> None:
    with make(1, initializer=jobs.fail_to_initialize) as pool:
        log.append(outcome(pool.submit(jobs.double, 1)))
        log.append(outcome_of_submitting(pool))


def who_is_who(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        pid, parent_pid, name, has_parent = pool.submit(jobs.who).result()
        log.append((pid != os.getpid(), parent_pid == os.getpid(), has_parent))
        log.append(name.rpartition("-")[0])
        log.append(pid in pool._processes)  # type: ignore[attr-defined]


def mapping(make: MakePool, log: Log) -> None:
    with make(2) as pool:
        log.append(list(pool.map(pow, [2, 3, 4], [5, 2], timeout=30, chunksize=2)))
        log.append(list(pool.map(jobs.double, range(7), chunksize=3)))
        log.append(list(pool.map(int, [])))
        results = pool.map(jobs.divide, [3, 0, 2])
        log.append(next(results))
        try:
            next(results)
        except ZeroDivisionError as error:
            log.append(str(error))
        log.append(list(results))
        for chunksize in (0, -1):
            try:
                pool.map(jobs.double, [1], chunksize=chunksize)
            except ValueError as error:
                log.append(str(error))


def mapping_with_a_timeout(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        results = pool.map(jobs.slowly, [1, 2, 3], [0, 0, 0.8], timeout=0.4)
        try:
            log.extend(results)
        except TimeoutError:
            log.append("TimeoutError")


def begun(pool: Executor) -> list[Future[Any]]:
    """Five jobs for one child, of which it has the first."""
    first = pool.submit(jobs.slowly, 0)
    time.sleep(0.05)
    rest = [pool.submit(jobs.slowly, number) for number in range(1, 5)]
    time.sleep(0.05)
    return [first, *rest]


def what_is_on_its_way_is_running(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        futures = begun(pool)
        log.append([(future.running(), future.cancel()) for future in futures])
        log.extend(map(outcome, futures))


def completion_order(make: MakePool, log: Log) -> None:
    with make(2) as pool:
        slow = pool.submit(jobs.slowly, 1, 0.3)
        quick = pool.submit(jobs.slowly, 2, 0.1)
        done, pending = wait([slow, quick], return_when=FIRST_COMPLETED)
        log.append((done == {quick}, pending == {slow}))
        log.append([future.result() for future in as_completed([slow, quick])][-1])


def callbacks(make: MakePool, log: Log) -> None:
    with make(1) as pool:
        future = pool.submit(jobs.slowly, 4)
        future.add_done_callback(lambda future: log.append(("one", future.result())))
        future.add_done_callback(lambda future: log.append(pool.submit(abs, -1) is not None))
        future.result()
        time.sleep(0.05)
        future.add_done_callback(lambda future: log.append("at once"))


def shutting_down(make: MakePool, log: Log) -> None:
    pool = make(1)
    futures = begun(pool)
    pool.shutdown(wait=False, cancel_futures=True)
    log.append(outcome_of_submitting(pool))
    log.extend(outcome(future) for future in futures)
    pool.shutdown()
    with make(1) as empty:
        log.append(type(empty).__name__ != "")
    log.append(outcome_of_submitting(empty))


def waiting_for_the_end(make: MakePool, log: Log) -> None:
    with make(2) as pool:
        futures = [pool.submit(jobs.slowly, number, 0.05) for number in range(5)]
    log.append([future.done() for future in futures])


def dropping_the_pool(make: MakePool, log: Log) -> None:
    futures = [make(1).submit(jobs.double, 4)]
    log.append(futures[0].result(timeout=30))


def dying(how: Callable[[], Any], make: MakePool, log: Log) -> None:
    began = time.monotonic()
    with make(2) as pool:
        slow = pool.submit(jobs.slowly, 1, 20.0)
        deadly = pool.submit(how)
        pending = [pool.submit(jobs.slowly, number, 20.0) for number in range(6)]
        log.extend(map(outcome, [slow, deadly, *pending]))
        log.append(outcome_of_submitting(pool))
        try:
            pool.map(jobs.double, [1])
        except RuntimeError as error:
            log.append(str(error))
    log.append(time.monotonic() - began < 10)


def tasks_per_child(make: MakePool, log: Log) -> None:
    with make(1, max_tasks_per_child=2, initializer=jobs.initialize, initargs=("new",)) as pool:
        log.append([pool.submit(jobs.count_tasks).result() for _ in range(5)])
        log.append(pool.submit(jobs.licensed).result())


def refusing(make: MakePool, log: Log) -> None:
    wrong: list[dict[str, Any]] = [
        {"max_workers": 0},
        {"max_workers": -1},
        {"initializer": 1},
        {"max_tasks_per_child": 0},
        {"max_tasks_per_child": "2"},
        {"max_tasks_per_child": 2},
    ]
    for options in wrong:
        try:
            make(**options)
        except (TypeError, ValueError) as error:
            log.append((type(error).__name__, str(error)))
        else:
            log.append("made")


def an_initializer_that_cannot_be_pickled(make: MakePool, log: Log) -> None:
    with make(1, initializer=lambda: None) as pool:
        try:
            log.append(outcome(pool.submit(jobs.double, 4)))
        except Exception as error:
            log.append(type(error).__name__)


FORKING = [
    results_and_exceptions,
    remote_tracebacks,
    arguments_that_cannot_be_pickled,
    locks_and_futures_cannot_be_pickled,
    results_that_cannot_be_pickled,
    arguments_that_cannot_be_unpickled,
    exceptions_that_cannot_be_unpickled,
    nothing_is_shared,
    initializing,
    failing_to_initialize,
    who_is_who,
    mapping,
    mapping_with_a_timeout,
    what_is_on_its_way_is_running,
    completion_order,
    callbacks,
    shutting_down,
    waiting_for_the_end,
    dropping_the_pool,
    partial(dying, jobs.exit_at_once),
    partial(dying, jobs.kill_myself),
    refusing,
    an_initializer_that_cannot_be_pickled,
]
SPAWNING = [
    initializing,
    who_is_who,
    nothing_is_shared,
    tasks_per_child,
    refusing,
]
