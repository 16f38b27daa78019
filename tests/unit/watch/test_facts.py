import asyncio
import queue
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

import spectest
from spectest import UsageError, watch
from spectest.kernel.trace import Trace
from spectest.oracles import always, judge


class Keeps:
    """An oracle that finds nothing wrong and keeps the trace."""

    name = "keeps"

    def __init__(self) -> None:
        self.trace = Trace([])

    def judge(self, trace: Trace, reference: Trace | None) -> list[Any]:
        self.trace = trace
        return []


def told(program: Callable[[], Any], *kinds: str, **settings: Any) -> list[tuple[object, ...]]:
    """Time in milliseconds, subject, detail and task of the events of these kinds."""
    keeps = Keeps()
    spectest.run(program, oracles=keeps, **settings)
    events = keeps.trace.of_kind(*kinds)
    return [(it.time_ns / 1e6, it.subject, it.detail, it.task) for it in events]


def test_a_fact_is_told_when_it_changes_by_whom_and_where() -> None:
    async def main() -> None:
        done: list[int] = []
        watch.fact("done", lambda: bool(done))

        async def work() -> None:
            await asyncio.sleep(0.010)
            done.append(1)
            await asyncio.sleep(0.010)

        await asyncio.create_task(work(), name="work")

    keeps = Keeps()
    spectest.run(main, oracles=keeps)
    first, second = keeps.trace.of_kind("fact")
    assert (first.time_ns, first.subject, first.detail) == (0, "done", "false")
    assert (second.time_ns, second.detail) == (10_000_000, "true")
    assert "work" in second.task
    assert second.where.function == "work"


def test_the_middle_of_a_step_is_not_looked_at() -> None:
    async def main() -> None:
        balance = [10]
        watch.fact("balance", lambda: balance == [10])
        balance[0] -= 1
        asyncio.create_task(asyncio.sleep(0))
        watch.note("in between", balance)
        balance[0] += 1
        await asyncio.sleep(0)

    assert [detail for _, _, detail, _ in told(main, "fact")] == ["true"]


def test_callbacks_make_steps_too() -> None:
    async def main() -> None:
        seen: list[int] = []
        watch.fact("seen", lambda: bool(seen))
        loop = asyncio.get_running_loop()
        loop.call_later(0.005, seen.append, 1)
        loop.call_later(0.006, seen.clear)
        await asyncio.sleep(0.010)

    assert [(at, detail) for at, _, detail, _ in told(main, "fact")] == [
        (0.0, "false"),
        (5.0, "true"),
        (6.0, "false"),
    ]


def test_facts_of_threads_are_asked_where_the_processor_changes_hands() -> None:
    def main() -> None:
        state: list[int] = []
        watch.fact("full", lambda: len(state) == 1)

        def work() -> None:
            state.append(1)
            time.sleep(0.010)
            state.append(2)

        other = threading.Thread(target=work)
        other.start()
        other.join()

    assert [(at, detail) for at, _, detail, _ in told(main, "fact")] == [
        (0.0, "false"),
        (0.0, "true"),
        (10.0, "false"),
    ]


def test_the_last_step_of_the_main_thread_counts() -> None:
    def main() -> None:
        state: list[int] = []
        watch.fact("empty", lambda: not state)
        state.append(1)

    assert [detail for _, _, detail, _ in told(main, "fact")] == ["false"]


def test_what_a_guard_protects_is_not_asked_while_it_is_held() -> None:
    def main() -> None:
        lock = threading.Lock()
        state = [5, 5]
        watch.fact("ten", lambda: sum(state) == 10, guard=lock)

        def move() -> None:
            with lock:
                state[0] -= 1
                time.sleep(0.010)
                state[1] += 1

        other = threading.Thread(target=move)
        other.start()
        other.join()

    assert [detail for _, _, detail, _ in told(main, "fact")] == ["true"]


def test_a_predicate_that_takes_a_free_lock_makes_no_choice() -> None:
    def program(*, watched: bool) -> list[str]:
        order: list[str] = []
        jobs: queue.Queue[int] = queue.Queue()
        if watched:
            watch.fact("short", lambda: jobs.qsize() < 3)

        def work(name: str) -> None:
            jobs.put(1)
            order.append(name)

        threads = [threading.Thread(target=work, args=(name,)) for name in "abc"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return order

    class Chooses:
        name = "chooses"

        def judge(self, trace: Trace, reference: Trace | None) -> list[Any]:
            plain = [it.key[:4] + it.key[5:] for it in trace if it.kind != "fact"]
            traces.append(plain)
            return []

    traces: list[list[Any]] = []
    spectest.run(lambda: program(watched=False), oracles=Chooses())
    spectest.run(lambda: program(watched=True), oracles=Chooses())
    without, with_facts = traces[1], traces[3]
    assert with_facts == without


def test_several_facts_of_one_name_have_numbers() -> None:
    async def main() -> None:
        watch.fact("ok", lambda: True)
        watch.fact("ok", lambda: False)

    assert [(name, detail) for _, name, detail, _ in told(main, "fact")] == [
        ("ok", "true"),
        ("ok (2)", "false"),
    ]


def test_outside_of_a_run_with_oracles_nothing_is_asked() -> None:
    def never() -> bool:
        raise AssertionError

    async def main() -> str:
        watch.fact("never", never)
        watch.note("price", 5)
        await asyncio.sleep(0.01)
        return "fine"

    assert spectest.run(main) == "fine"
    assert asyncio.run(main()) == "fine"


def test_notes_are_texts_that_are_equal_for_equal_values() -> None:
    async def main() -> None:
        watch.note("price", {"b", "a"})
        watch.note("price", {"y": 1, "x": 2})

    assert [(name, text) for _, name, text, _ in told(main, "note")] == [
        ("price", "{'a', 'b'}"),
        ("price", "{'x': 2, 'y': 1}"),
    ]


def test_a_predicate_that_raises_is_named() -> None:
    async def main() -> None:
        state: dict[str, int] = {}
        watch.fact("balance ok", lambda: state["balance"] >= 0)

    with pytest.raises(UsageError, match="the fact 'balance ok' raised KeyError: 'balance'"):
        spectest.run(main, oracles=always("balance ok"))


def test_a_predicate_that_would_have_to_be_awaited_is_refused() -> None:
    async def ask() -> bool:
        return True

    async def main() -> None:
        watch.fact("ok", lambda: ask())

    with pytest.raises(UsageError, match="a fact cannot wait"):
        spectest.run(main, oracles=always("ok"))
    with pytest.raises(UsageError, match="plain function"):
        watch.fact("ok", ask)


def takes(lock: threading.Lock) -> bool:
    with lock:
        return True


@pytest.mark.parametrize("how", ["lock", "event", "sleep", "start"])
def test_a_predicate_cannot_wait(how: str) -> None:
    def main() -> None:
        lock, event = threading.Lock(), threading.Event()
        waits = {
            "lock": lambda: takes(lock),
            "event": event.wait,
            "sleep": lambda: time.sleep(0.010),
            "start": lambda: threading.Thread(target=print).start(),
        }
        watch.fact("ok", waits[how])

        def work() -> None:
            with lock:
                time.sleep(0.010)

        other = threading.Thread(target=work)
        other.start()
        other.join()

    with pytest.raises(UsageError, match="the fact 'ok' raised UsageError: it would have to wait"):
        spectest.run(main, oracles=always("ok"))


def test_a_predicate_sees_the_clock_of_the_world() -> None:
    def main() -> None:
        began = time.monotonic()
        watch.fact("early", lambda: time.monotonic() - began < 0.015)
        for _ in range(3):
            time.sleep(0.010)

    assert [(at, detail) for at, _, detail, _ in told(main, "fact")] == [
        (0.0, "true"),
        (20.0, "false"),
    ]


def test_arguments_are_checked_in_every_run() -> None:
    with pytest.raises(UsageError, match="name=''"):
        watch.fact("", lambda: True)
    with pytest.raises(UsageError, match="name=5"):
        watch.note(5, 1)  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="guard="):
        watch.fact("ok", lambda: True, guard=object())  # type: ignore[arg-type]
    with pytest.raises(UsageError, match="lambda"):
        watch.fact("ok", True)  # type: ignore[arg-type]


def test_the_same_facts_are_found_in_a_saved_trace() -> None:
    async def main() -> None:
        state = [1]
        watch.fact("ok", lambda: state == [1])
        await asyncio.sleep(0.010)
        state.clear()

    keeps = Keeps()
    spectest.run(main, oracles=keeps)
    (verdict,) = judge(Trace(list(keeps.trace)), always("ok"))
    assert verdict.finding == "was false"
