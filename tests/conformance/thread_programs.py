"""Programs about threads and what belongs to them. Units: `log.unit`."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import decimal
import sys
import threading
from collections.abc import Callable
from threading import Barrier, Condition, Event, Lock, RLock
from time import monotonic, sleep
from typing import Any

from tests.conformance.threaded import Log, in_thread, program


@program
def lives(log: Log) -> None:
    go = Event()
    thread = threading.Thread(target=go.wait, name="waiter")
    log.append((thread.name, thread.ident, thread.daemon, thread.is_alive(), thread.native_id))
    log.append(repr(thread))
    log.raised(thread.join)
    thread.start()
    log.append((thread.is_alive(), isinstance(thread.ident, int), thread.native_id is not None))
    log.append((thread in threading.enumerate(), thread.ident == threading.get_ident()))
    log.append(repr(thread).replace(str(thread.ident), "#"))
    log.raised(thread.start)
    log.raised(setattr, thread, "daemon", True)
    log.append(threading.active_count() - len(threading.enumerate()))
    thread.join(2 * log.unit)
    log.at("still there", thread.is_alive())
    go.set()
    thread.join()
    log.at("gone", thread.is_alive(), thread in threading.enumerate())
    log.append(repr(thread).replace(str(thread.ident), "#"))
    log.raised(thread.start)
    thread.name = "other"
    log.append(thread.name)


@program
def inside(log: Log) -> None:
    seen: list[Any] = []

    class Worker(threading.Thread):
        def run(self) -> None:
            me = threading.current_thread()
            seen.append((me is self, me.ident == threading.get_ident(), me.name, me.daemon))
            seen.append(me.native_id == threading.get_native_id())
            seen.append(threading.main_thread() is me)
            child = threading.Thread(target=seen.append, args=(1,))
            seen.append(child.daemon)
            child.start()
            child.join()
            try:
                me.join()
            except RuntimeError as error:
                seen.append(str(error))

    for daemon in (False, True):
        worker = Worker(name=f"daemon {daemon}", daemon=daemon)
        worker.start()
        worker.join()
    log.extend(seen)
    log.append(threading.current_thread() is threading.main_thread())


@program
def idents_differ(log: Log) -> None:
    barrier = Barrier(4)
    idents: list[int] = []

    def be() -> None:
        idents.append(threading.get_ident())
        barrier.wait()

    threads = [threading.Thread(target=be) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.append((len(set(idents)), threading.get_ident() in idents))
    log.append([thread.ident in idents for thread in threads])


@program
def sleeping_side_by_side(log: Log) -> None:
    def work(name: str, units: int) -> None:
        log.at(name, "begins")
        sleep(units * log.unit)
        log.at(name, "ends")

    threads = [
        threading.Thread(target=work, args=(name, n)) for name, n in (("a", 6), ("b", 2), ("c", 4))
    ]
    for thread in threads:
        thread.start()
    threads[1].join()
    log.at("b joined")
    threads[0].join(1 * log.unit)
    log.at("a not yet", threads[0].is_alive())
    for thread in threads:
        thread.join()
    log.at("all joined")


@program
def a_clock_that_is_waited_for(log: Log) -> None:
    until = monotonic() + 3 * log.unit
    looks = 0
    while monotonic() < until:
        looks += 1
    log.at(looks > 0)
    until = monotonic() + 2 * log.unit
    while monotonic() < until:
        sleep(0.2 * log.unit)
    log.at("later")
    log.raised(sleep, -1)
    log.raised(sleep, "1")


@program
def an_event_that_is_polled(log: Log) -> None:
    event, done = Event(), []

    def work() -> None:
        sleep(2 * log.unit)
        done.append(1)
        sleep(2 * log.unit)
        event.set()

    thread = threading.Thread(target=work)
    thread.start()
    while not event.is_set():
        sleep(0.1 * log.unit)
    log.at("set", done)
    while thread.is_alive():
        pass
    log.append("over")


@program
def timers(log: Log) -> None:
    timer = threading.Timer(3 * log.unit, log.at, ("fires",), {})
    late = threading.Timer(5 * log.unit, log.at, ("never",))
    timer.start()
    late.start()
    sleep(1 * log.unit)
    log.at("waits", timer.is_alive(), timer.finished.is_set())
    timer.join()
    log.at("fired", timer.finished.is_set())
    late.cancel()
    late.join()
    log.at("cancelled", late.is_alive())


@program
def excepthooks(log: Log) -> None:
    def fail(error: BaseException) -> None:
        raise error

    def hook(args: Any) -> None:
        assert args.thread is not None
        log.append((args.exc_type.__name__, str(args.exc_value), args.thread.name))
        log.append(args.exc_traceback is not None)

    before = threading.excepthook
    threading.excepthook = hook
    try:
        for error in (ValueError("v"), SystemExit(3), KeyboardInterrupt(), KeyError("k")):
            thread = threading.Thread(target=fail, args=(error,), name="failing")
            thread.start()
            thread.join()
            log.append((type(error).__name__, thread.is_alive()))
    finally:
        threading.excepthook = before


@program
def thread_locals(log: Log) -> None:
    class Counted(threading.local):
        made = 0

        def __init__(self, name: str) -> None:
            Counted.made += 1
            self.name = name

    plain, counted = threading.local(), Counted("each")
    plain.value = "main"

    def use(number: int) -> None:
        log.append((number, hasattr(plain, "value"), counted.name, Counted.made))
        plain.value, counted.name = number, f"of {number}"
        sleep(1 * log.unit)
        log.append((plain.value, counted.name))

    for number in range(3):
        in_thread(use, number)
    log.append((plain.value, counted.name))


_variable: contextvars.ContextVar[str] = contextvars.ContextVar("_variable", default="nothing")
_module_local = threading.local()


def _what_a_thread_has() -> list[Any]:
    hooks = sys.get_asyncgen_hooks()
    return [
        _variable.get(),
        vars(_module_local).copy(),
        decimal.getcontext().prec,
        sys.gettrace(),
        sys.getprofile(),
        asyncio._get_running_loop(),
        hooks.firstiter,
        hooks.finalizer,
        sys.get_coroutine_origin_tracking_depth(),
        ctypes.get_errno(),
        getattr(threading.current_thread(), "remembered", None),
        sys.exc_info(),
    ]


def _leave_everything_behind() -> None:
    _variable.set("left")
    _module_local.value = "left"
    decimal.getcontext().prec = 3
    sys.setprofile(lambda *args: None)
    loop = asyncio.new_event_loop()
    asyncio._set_running_loop(loop)
    loop.close()
    sys.set_asyncgen_hooks(print, print)
    sys.set_coroutine_origin_tracking_depth(3)
    ctypes.set_errno(5)
    vars(threading.current_thread())["remembered"] = "left"
    sys.settrace(lambda *args: None)


@program
def nothing_is_inherited(log: Log) -> None:
    """A second thread may run on the carrier of the first, and must not notice."""
    for _ in range(2):
        in_thread(lambda: log.append(_what_a_thread_has()))
        in_thread(_leave_everything_behind)
    in_thread(lambda: log.append(_what_a_thread_has()))
    log.append((_variable.get(), vars(_module_local)))


@program
def loops_of_threads(log: Log) -> None:
    async def answer() -> int:
        await asyncio.sleep(1 * log.unit)
        return 42

    def use_loop() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        log.at(loop.run_until_complete(answer()), asyncio.get_event_loop() is loop)
        loop.close()

    def look() -> None:
        log.raised(asyncio.get_running_loop)
        try:
            asyncio.get_event_loop_policy().get_event_loop()
        except RuntimeError as error:
            log.append(str(error).partition(" in ")[0])

    in_thread(use_loop)
    in_thread(look)
    in_thread(lambda: log.append(asyncio.run(answer())))
    in_thread(look)


@program
def traced_threads(log: Log) -> None:
    calls: list[str] = []

    def trace(frame: Any, event: str, arg: Any) -> None:
        if frame.f_code is traced.__code__:
            calls.append(event)

    def traced() -> None:
        return None

    threading.settrace(trace)
    try:
        in_thread(traced)
    finally:
        threading.settrace(None)
    in_thread(traced)
    log.append(calls)


@program
def locks(log: Log) -> None:
    lock = Lock()
    log.append((lock.acquire(), lock.locked(), lock.acquire(False), lock.acquire(blocking=False)))
    log.at(lock.acquire(timeout=2 * log.unit))
    log.at(lock.acquire(timeout=0))
    log.raised(lock.acquire, False, 1)
    log.raised(lock.acquire, True, -2)
    log.raised(lock.acquire, timeout=threading.TIMEOUT_MAX * 2)
    in_thread(lock.release)
    log.append(lock.locked())
    log.raised(lock.release)
    with lock as entered:
        log.append((entered, lock.locked()))
    log.append(repr(lock)[:27])

    def hold(units: int) -> None:
        with lock:
            log.at("held")
            sleep(units * log.unit)
        log.at("released")

    holder = threading.Thread(target=hold, args=(4,))
    holder.start()
    sleep(1 * log.unit)
    log.at(lock.acquire(timeout=1 * log.unit))
    log.at(lock.acquire(timeout=9 * log.unit))
    lock.release()
    holder.join()


@program
def recursive_locks(log: Log) -> None:
    lock = RLock()
    log.append((lock.acquire(), lock.acquire(), lock.acquire(False), lock.acquire(timeout=1)))
    in_thread(lambda: log.append((lock.acquire(False), lock.acquire(timeout=2 * log.unit))))
    log.at("tried")
    in_thread(lambda: log.raised(lock.release))
    for _ in range(3):
        lock.release()
    in_thread(lambda: log.append(lock.acquire(False)))  # Never released again.
    log.at(lock.acquire(timeout=1 * log.unit))
    other = RLock()
    log.raised(other.release)
    with other, other:
        log.append(repr(other).split()[0])
    log.append(repr(other).split()[0])
    log.raised(other.acquire, False, 1)


@program
def conditions(log: Log) -> None:
    condition = Condition()
    ready: list[int] = []
    log.raised(condition.wait)
    log.raised(condition.notify)
    with condition:
        log.append(condition.wait(2 * log.unit))
        log.at(condition.wait(0))

    def wait(number: int) -> None:
        with condition:
            awake.append((number, condition.wait(20 * log.unit)))

    awake: list[tuple[int, bool]] = []
    threads = []
    for number in range(4):
        threads.append(threading.Thread(target=wait, args=(number,)))
        threads[-1].start()
        sleep(1 * log.unit)
    wakes: list[Callable[[], None]] = [
        condition.notify,
        lambda: condition.notify(2),
        condition.notify_all,
    ]
    for wake in wakes:
        with condition:
            wake()
        sleep(1 * log.unit)
        log.at("woken", *sorted(awake))  # Which of two is first is up to the machine.
    for thread in threads:
        thread.join()

    def produce() -> None:
        sleep(2 * log.unit)
        with condition:
            ready.append(1)
            condition.notify_all()

    producer = threading.Thread(target=produce)
    producer.start()
    with condition:
        log.at(condition.wait_for(lambda: ready, 1 * log.unit))
        log.at(condition.wait_for(lambda: ready, 9 * log.unit))
    producer.join()
    with Condition(Lock()) as held, Condition(RLock()):
        log.append(held)


@program
def events(log: Log) -> None:
    event = Event()
    log.append((event.is_set(), event.wait(0), event.wait(1 * log.unit)))
    log.at("not set")

    def wait(number: int) -> None:
        answer = event.wait(number * log.unit)
        log.at(number, answer)

    threads = [threading.Thread(target=wait, args=(n,)) for n in (2, 8)]
    for thread in threads:
        thread.start()
    sleep(4 * log.unit)
    event.set()
    for thread in threads:
        thread.join()
    log.append((event.is_set(), event.wait(), event.wait(1)))
    event.clear()
    log.append((event.is_set(), repr(event).rpartition(" ")[2]))


@program
def semaphores(log: Log) -> None:
    semaphore = threading.Semaphore(2)
    log.append([semaphore.acquire(blocking=False) for _ in range(3)])
    log.at(semaphore.acquire(timeout=2 * log.unit))
    log.raised(semaphore.acquire, False, 1)
    log.raised(threading.Semaphore, -1)
    log.raised(semaphore.release, 0)

    def give() -> None:
        sleep(2 * log.unit)
        semaphore.release(2)

    giver = threading.Thread(target=give)
    giver.start()
    with semaphore:
        log.at("got one", semaphore.acquire(timeout=1 * log.unit))
    giver.join()
    bounded = threading.BoundedSemaphore(1)
    with bounded:
        log.append(bounded.acquire(blocking=False))
    log.raised(bounded.release)


@program
def no_more_than_two_at_a_time(log: Log) -> None:
    semaphore, inside, most = threading.BoundedSemaphore(2), [], [0]

    def work(number: int) -> None:
        with semaphore:
            inside.append(number)
            most[0] = max(most[0], len(inside))
            sleep(1 * log.unit)
            inside.remove(number)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.at(most)


@program
def barriers(log: Log) -> None:
    barrier = Barrier(3, action=lambda: log.append("action"))
    places: list[int] = []

    def meet(units: int) -> None:
        sleep(units * log.unit)
        try:
            places.append(barrier.wait())
            log.at("met")
        except threading.BrokenBarrierError:
            log.at("broken")

    def round_of(*units: int) -> None:
        threads = [threading.Thread(target=meet, args=(n,)) for n in units]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    round_of(0, 1, 3)
    log.append((sorted(places), barrier.n_waiting, barrier.broken, barrier.parties))
    threading.Timer(3 * log.unit, barrier.abort).start()
    round_of(0, 1)
    log.append(barrier.broken)
    round_of(0)
    barrier.reset()
    threading.Timer(3 * log.unit, barrier.reset).start()
    round_of(0, 1)
    log.append((barrier.broken, barrier.n_waiting))
    log.raised(barrier.wait, 2 * log.unit)
    log.at(barrier.broken)


@program
def a_deadline_met_in_time(log: Log) -> None:
    """Whatever is waited for with a timeout comes before it."""
    lock, event, condition = Lock(), Event(), Condition()
    semaphore, barrier = threading.Semaphore(0), Barrier(2)
    lock.acquire()

    def let_go() -> None:
        for units in range(5):
            sleep(1 * log.unit)
            if units == 0:
                lock.release()
            elif units == 1:
                event.set()
            elif units == 2:
                with condition:
                    condition.notify()
            elif units == 3:
                semaphore.release()
            else:
                barrier.wait()

    thread = threading.Thread(target=let_go)
    thread.start()
    long = 60 * log.unit
    log.at(lock.acquire(timeout=long))
    log.at(event.wait(long))
    with condition:
        log.at(condition.wait(long))
    log.at(semaphore.acquire(timeout=long))
    log.at(barrier.wait(long) in {0, 1})
    thread.join(long)
    log.at(thread.is_alive())
