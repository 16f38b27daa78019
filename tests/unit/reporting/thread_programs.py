"""Small programs of threads whose pages are compared word by word; their line numbers are part of
that."""

import asyncio
import queue
import threading
import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait


def one_book() -> None:
    """Sells it twice if a buyer is interrupted between looking and taking."""
    lock = threading.Lock()
    stock = {"book": 1}
    sold = []

    def left() -> int:
        with lock:
            return stock["book"]

    def sell(name: str) -> None:
        if left() > 0:
            with lock:
                stock["book"] -= 1
            sold.append(name)

    buyers = [threading.Thread(target=sell, args=(name,), name=name) for name in ("ann", "bob")]
    for buyer in buyers:
        buyer.start()
    for buyer in buyers:
        buyer.join()
    assert len(sold) == 1, f"one book, sold to {sold}"


def heartbeat() -> None:
    """Gives up too early when the worker does not get the processor."""
    done = threading.Event()

    def work() -> None:
        time.sleep(0.010)
        done.set()

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    in_time = done.wait(0.030)
    worker.join()
    assert in_time


def crossing() -> None:
    """Deadlocks when `forth` is interrupted between its locks."""
    left, right = threading.Lock(), threading.Lock()

    def forth() -> None:
        with left:
            with right:
                pass

    def back() -> None:
        with right:
            with left:
                pass

    threads = [threading.Thread(target=forth), threading.Thread(target=back)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def fetch(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def first_answer() -> None:
    """The slower answer is waited for, though nobody asks for it."""
    began = time.monotonic()
    with ThreadPoolExecutor() as pool:
        jobs = [pool.submit(fetch, 0.030), pool.submit(fetch, 1.0)]
        done, _ = wait(jobs, return_when=FIRST_COMPLETED)
        answer = next(iter(done)).result()
    assert answer == 0.030
    assert time.monotonic() - began < 0.100


def nested() -> None:
    """Waits for a job that the only worker, which waits, would have to do."""
    with ThreadPoolExecutor(max_workers=1) as pool:

        def outer() -> float:
            return pool.submit(fetch, 0.010).result()

        pool.submit(outer).result()


def two_producers() -> None:
    """The consumer gets the items in the order in which they come."""
    items: queue.Queue[str] = queue.Queue()
    got = []

    def produce(name: str, seconds: float) -> None:
        time.sleep(seconds)
        items.put(name)

    producers = [
        threading.Thread(target=produce, args=(name, seconds), name=name)
        for name, seconds in (("p1", 0.010), ("p2", 0.0105))
    ]
    for producer in producers:
        producer.start()
    got = [items.get(), items.get()]
    for producer in producers:
        producer.join()
    assert got == ["p1", "p2"], got


async def thread_and_task() -> None:
    """Both add one, and one is lost."""
    lock = threading.Lock()
    counter = {"n": 0}

    def add() -> None:
        with lock:
            n = counter["n"]
        with lock:
            counter["n"] = n + 1

    adder = threading.Thread(target=add, name="adder")
    adder.start()
    add()
    await asyncio.to_thread(adder.join)
    assert counter["n"] == 2, counter
