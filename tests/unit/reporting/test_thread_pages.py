"""Pages of programs with threads, word by word: the same on every version of CPython."""

import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from spectest.errors import Deadlock
from spectest.exploration.results import Confirmation, Report
from spectest.kernel.plan import Hold
from spectest.reporting.failure import facts_of
from spectest.reporting.records import to_json
from spectest.reporting.text import MAX_LINES, render
from tests.unit.reporting import thread_programs as programs

ReportMaker = Callable[..., Report]

ONE_BOOK = """\
AssertionError: one book, sold to ['bob', 'ann']
  tests/unit/reporting/thread_programs.py:32  assert len(sold) == 1, f"one book, sold to {sold}"

What breaks it; all else is as usual:
  `ann` lost the processor before taking `lock`, and main and bob went first
    tests/unit/reporting/thread_programs.py:23 in ann  with lock:

   ms  thread  what happened
    0  main    begins: creates ann                               thread_programs.py:29
    0  ann     begins: loses the processor before taking `lock`  thread_programs.py:23
    0  main    goes on: creates bob                              thread_programs.py:29
    0  bob     begins: returns                                   thread_programs.py:23
→   0  ann     gets the processor back: returns                  thread_programs.py:23
    0  main    goes on: raises AssertionError                    thread_programs.py:32

order    possible on CPython, when threads are preempted there (`ties`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""

HEARTBEAT = """\
AssertionError
  tests/unit/reporting/thread_programs.py:47  assert in_time

What breaks it; all else is as usual:
  `worker` had to wait 20 ms for the processor before it began, while main went on
    tests/unit/reporting/thread_programs.py:44  worker.start()

   ms  thread  what happened
    0  main    begins: creates worker                                          thread_programs.py:44
    0  worker  begins: loses the processor at once
    0  main    goes on: waits for Event `done`, at most 30 ms                  thread_programs.py:45
→  20  worker  gets the processor back: starts `work#1` (10 ms)                thread_programs.py:40
   30  main    `heartbeat timeout#1` f...: waits for the thread worker to end  thread_programs.py:46
   30  worker  `work#1` completes: returns                                     thread_programs.py:41
   30  main    woken by the end of worker: raises AssertionError               thread_programs.py:47

order    possible on CPython, when threads are preempted there (`ties`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""

CROSSING = """\
Deadlock: nothing can run any more and the program has not finished.
  main waits for the thread forth (Thread-1) to end, at tests/unit/reporting/thread_programs.py:68
    in crossing
  forth (Thread-1) waits for threading.Lock `right`, held by back (Thread-2) since
    tests/unit/reporting/thread_programs.py:60 in back, at
    tests/unit/reporting/thread_programs.py:56 in forth
  back (Thread-2) waits for threading.Lock `left`, held by forth (Thread-1) since
    tests/unit/reporting/thread_programs.py:55 in forth, at
    tests/unit/reporting/thread_programs.py:61 in back
  a cycle: forth (Thread-1) waits for `right` held by back (Thread-2); back (Thread-2) waits for
    `left` held by forth (Thread-1)

What breaks it; all else is as usual:
  `forth` lost the processor before taking `right`, and main and back went first
    tests/unit/reporting/thread_programs.py:56 in forth  with right:

   ms  thread  what happened
    0  main    begins: creates forth                                          thread_programs.py:66
    0  forth   begins: loses the processor before taking `right`              thread_programs.py:56
    0  main    goes on: creates back                                          thread_programs.py:66
    0  back    begins: waits for Lock `left`, held by forth                   thread_programs.py:61
→   0  forth   gets the processor back: waits for Lock `right`, held by back  thread_programs.py:56
    0  main    goes on: waits for the thread forth to end                     thread_programs.py:68

order    possible on CPython, when threads are preempted there (`ties`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""

FIRST_ANSWER = """\
AssertionError
  tests/unit/reporting/thread_programs.py:84  assert time.monotonic() - began < 0.100

It fails in stock order, with no deviation.

Held up by a pool: main was ready to go on at 30 ms and went on at 1000 ms.
  tests/unit/reporting/thread_programs.py:79 in main  with ThreadPoolExecutor() as pool:
    at its end waited for fetch (worker 0_1), submitted at thread_programs.py:80
    tests/unit/reporting/thread_programs.py:72 in fetch (worker 0_1)  time.sleep(seconds)

    ms  thread              what happened
     0  main                begins: submits fetch                              thread_programs.py:80
     0  fetch (worker 0_0)  begins: starts `fetch#1` (30 ms)                   thread_programs.py:72
     0  main                goes on: submits fetch                             thread_programs.py:80
     0  fetch (worker 0_1)  begins: starts `fetch#2` (1000 ms)                 thread_programs.py:72
     0  main                goes on: waits for 2 futures                       thread_programs.py:81
    30  fetch (worker 0_0)  `fetch#1` completes: returns                       thread_programs.py:72
    30  main                woken by the res...: waits for fetch (worker 0_1)  thread_programs.py:79
  1000  fetch (worker 0_1)  `fetch#2` completes: returns                       thread_programs.py:72
  1000  main                woken by the end of fet...: raises AssertionError  thread_programs.py:84

order    possible on CPython, at these durations (`strict`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 0 deviations in 31 more"""

NESTED = """\
Deadlock: nothing can run any more and the program has not finished.
  main waits for the result of `outer`, which ThreadPoolExecutor-0_0 runs, at
    tests/unit/reporting/thread_programs.py:94 in nested
  ThreadPoolExecutor-0_0 waits for the result of `fetch`, which no worker has begun: the only worker
    of its pool is busy, at tests/unit/reporting/thread_programs.py:92 in outer

It fails in stock order, with no deviation.

   ms  thread  what happened
    0  main    begins: submits outer                                           thread_programs.py:94
    0  outer   begins: waits for `pool.submit()`                               thread_programs.py:92
    0  main    goes on: waits for the result of `outer`                        thread_programs.py:94
    0  outer   woken by main through `pool`: submits fetch, waits for the...   thread_programs.py:92

order    possible on CPython, at these durations (`strict`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 0 deviations in 31 more"""

TWO_PRODUCERS = """\
AssertionError: ['p2', 'p1']
  tests/unit/reporting/thread_programs.py:115  assert got == ["p1", "p2"], got

What breaks it; all else is as usual:
  `produce#1` took 10.5 ms instead of 10 ms (+5 %), in the same instant as `produce#2`, after it
    tests/unit/reporting/thread_programs.py:103 in p1  time.sleep(seconds)

    ms  thread  what happened
   0.0  main    begins: creates p1                                  thread_programs.py:111
   0.0  p1      begins: starts `produce#1` (10 ms)                  thread_programs.py:103
   0.0  main    goes on: creates p2                                 thread_programs.py:111
   0.0  p2      begins: starts `produce#2` (10.5 ms)                thread_programs.py:103
   0.0  main    goes on: waits for an item of Queue `items`         thread_programs.py:112
  10.5  p2      `produce#2` completes: returns                      thread_programs.py:104
→ 10.5  p1      `produce#1` completes: returns                      thread_programs.py:104
  10.5  main    woken by p2 through `items`: raises AssertionError  thread_programs.py:115

order    possible on CPython, with other latencies or another memory layout (`ties`)
threads  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""

THREAD_AND_TASK = """\
AssertionError: {'n': 1}
  tests/unit/reporting/thread_programs.py:133  assert counter["n"] == 2, counter

What breaks it; all else is as usual:
  `adder` lost the processor after releasing `lock`, and thread_and_task went first
    tests/unit/reporting/thread_programs.py:124 in adder  with lock:

   ms  task or thread    what happened
    0  thread_and_task   begins: creates adder                               thread_programs.py:130
    0  adder             begins: loses the processor after releasing `lock`  thread_programs.py:124
    0  thread_and_task   goes on: submits join                               thread_programs.py:130
→   0  adder             gets the processor back: returns                    thread_programs.py:126
    0  join (asyncio_0)  begins: returns
    0  thread_and_task   goes on: raises AssertionError                      thread_programs.py:133

order    possible on CPython, when threads are preempted there (`ties`)
asyncio  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""


def page(report: Report, **options: Any) -> str:
    """The page; the compressed token differs between builds of zlib."""
    assert report.failure is not None
    options.setdefault("encoding", "utf-8")
    return render(report, **options).replace(report.failure.token, "TOKEN")


def sold_twice(report_when_lost: ReportMaker) -> Report:
    return report_when_lost(programs.one_book, "ann", "before taking `lock`", Hold(behind=2))


def test_a_thread_is_overtaken(report_when_lost: ReportMaker) -> None:
    assert page(sold_twice(report_when_lost)) == ONE_BOOK


def test_a_thread_is_stalled(report_when_lost: ReportMaker) -> None:
    hold = Hold(by_ns=20_000_000)
    report = report_when_lost(programs.heartbeat, "worker", "before it began", hold)
    assert page(report) == HEARTBEAT


def test_a_deadlock_of_threads(report_when_lost: ReportMaker) -> None:
    thread, moment = "forth (Thread-1)", "before taking `right`"
    report = report_when_lost(programs.crossing, thread, moment, Hold(behind=2))
    assert report.failure is not None
    assert isinstance(report.failure.error, Deadlock)
    assert page(report) == CROSSING


def test_what_happened_is_told_however_much_deviates(report_when_lost: ReportMaker) -> None:
    thread, moment = "forth (Thread-1)", "before taking `right`"
    report = report_when_lost(programs.crossing, thread, moment, Hold(behind=2))
    assert report.failure is not None
    holds = {**report.failure.plan.holds, **{f"absent#{i}": Hold(1) for i in range(1, 9)}}
    failure = replace(report.failure, plan=replace(report.failure.plan, holds=holds))
    text = page(replace(report, failure=failure))
    assert "  ... and 7 more, all in the token\n" in text
    assert CROSSING.split("\n\n")[2] in text


def test_a_caller_held_up_by_its_pool(report_of: ReportMaker) -> None:
    assert page(report_of(programs.first_answer)) == FIRST_ANSWER


def test_a_job_that_waits_for_a_job(report_of: ReportMaker) -> None:
    assert page(report_of(programs.nested)) == NESTED


def test_a_late_sleep_of_a_thread(report_of: ReportMaker) -> None:
    late = {"produce#1": Hold(500_000, behind=1)}
    assert page(report_of(programs.two_producers, late)) == TWO_PRODUCERS


def test_threads_and_tasks(report_when_lost: ReportMaker) -> None:
    moment = "after releasing `lock`"
    report = report_when_lost(programs.thread_and_task, "adder", moment, Hold(behind=1))
    assert page(report) == THREAD_AND_TASK


@pytest.mark.parametrize("known", [ONE_BOOK, HEARTBEAT, CROSSING, FIRST_ANSWER, NESTED])
def test_every_page_fits_one_screen_and_shows_no_frame_of_ours(known: str) -> None:
    lines = known.splitlines()
    assert len(lines) <= MAX_LINES + 3
    assert max(map(len, lines)) <= 100
    places = re.findall(r"(\S+\.py):\d+", known)
    assert {place.rpartition("/")[2] for place in places} == {"thread_programs.py"}


def test_a_stall_that_ends_where_something_completes(report_when_lost: ReportMaker) -> None:
    hold = Hold(by_ns=20_000_000, behind=1)
    report = report_when_lost(programs.heartbeat, "worker", "when `work#1` had completed", hold)
    text = page(report)
    assert (
        "  `worker` had to wait 20 ms for the processor when `work#1` had completed\n"
        "    and got it in the same instant as `heartbeat timeout#1`, after it\n"
    ) in text
    assert "   10  worker  `work#1` completes: does not get the processor " in text
    assert "→  30  worker  gets the processor back: returns " in text


def test_a_short_stall_is_told_in_nanoseconds(report_when_lost: ReportMaker) -> None:
    moment, hold = "before taking `lock`", Hold(by_ns=1)
    text = page(report_when_lost(programs.one_book, "ann", moment, hold))
    assert "`ann` had to wait 1 ns for the processor before taking `lock`, while " in text


def test_turns_and_latencies_together(report_when_lost: ReportMaker) -> None:
    report = sold_twice(report_when_lost)
    assert report.failure is not None
    holds = {**report.failure.plan.holds, "absent#1": Hold(1_000_000)}
    failure = replace(report.failure, plan=replace(report.failure.plan, holds=holds))
    text = page(replace(report, failure=failure))
    assert "when threads are preempted there, with other latencies (`ties`)\n" in text


def test_a_hold_without_effect_is_told_as_such(report_when_lost: ReportMaker) -> None:
    report = sold_twice(report_when_lost)
    assert report.failure is not None
    holds = {**report.failure.plan.holds, "bob turn#99": Hold(behind=1)}
    failure = replace(report.failure, plan=replace(report.failure.plan, holds=holds))
    assert "  `bob turn#99` has no effect\n" in page(replace(report, failure=failure))


def test_confirmed_by_stock_threads(report_when_lost: ReportMaker) -> None:
    report = sold_twice(report_when_lost)
    assert report.failure is not None
    confirmed = Confirmation(True, 1, "it fails in the same way")
    text = page(replace(report, failure=replace(report.failure, confirmation=confirmed)))
    assert "\nthreads  confirmed in real time, 1 try: it fails in the same way\n" in text


def test_a_failure_of_threads_as_json(report_when_lost: ReportMaker) -> None:
    failure = to_json(sold_twice(report_when_lost))["failure"]
    [deviation] = failure["deviations"]
    assert (deviation["kind"], deviation["task"]) == ("turn", "ann")
    assert (deviation["moment"], deviation["went_first"]) == (
        "before taking `lock`",
        ["main", "bob"],
    )
    assert deviation["where"]["source"] == "with lock:"
    [back] = [row for row in failure["interleaving"] if row["deviates"]]
    assert (back["task"], back["reason"]) == ("ann", "back")


def test_a_held_up_caller_as_json(report_of: ReportMaker) -> None:
    [held_up] = to_json(report_of(programs.first_answer))["failure"]["held_up"]
    assert (held_up["ready_ns"], held_up["left_ns"]) == (30_000_000, 1_000_000_000)
    assert held_up["job"] == "fetch (ThreadPoolExecutor-0_1)"
    assert held_up["stood"]["source"] == "time.sleep(seconds)"


def test_rows_of_workers_have_the_names_of_their_jobs(report_of: ReportMaker) -> None:
    facts = facts_of(report_of(programs.first_answer))
    assert {row.task for row in facts.rows} == {
        "main",
        "fetch (ThreadPoolExecutor-0_0)",
        "fetch (ThreadPoolExecutor-0_1)",
    }


def test_a_long_name_leaves_room_for_the_worker(report_of: ReportMaker) -> None:
    def fetch_the_customers_recent_orders(seconds: float) -> None:
        time.sleep(seconds)

    def main() -> None:
        with ThreadPoolExecutor() as pool:
            list(pool.map(fetch_the_customers_recent_orders, (0.010, 0.020)))
        raise LookupError

    text = page(report_of(main))
    assert "\n    0  fetch_th... (worker 0_0)  begins: starts " in text
    assert "\n    0  fetch_th... (worker 0_1)  begins: starts " in text
