"""Which rows of a long interleaving are shown."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import spectest
from spectest.exploration.results import Report
from spectest.kernel.plan import Hold
from spectest.reporting.failure import facts_of
from spectest.reporting.interleaving import Row
from spectest.reporting.relevance import matter
from tests.unit.reporting.thread_programs import first_answer

ReportMaker = Callable[..., Report]


def busy_shop() -> None:
    """Nine threads do harmless things before and after the two that matter."""
    lock = threading.Lock()
    stock, sold = [1], []

    def browse() -> None:
        with lock:
            stock.copy()

    def sell(name: str) -> None:
        with lock:
            left = bool(stock)
        if left:
            with lock:
                stock.clear()
            sold.append(name)

    def run(*targets: tuple[Callable[..., None], Any]) -> None:
        for target, args in targets:
            thread = threading.Thread(target=target, args=args, name="-".join(args) or None)
            thread.start()
            threads.append(thread)

    threads: list[threading.Thread] = []
    run(*[(browse, ())] * 9)
    run((sell, ("ann",)), (sell, ("bob",)))
    run(*[(browse, ())] * 9)
    for thread in threads:
        thread.join()
    time.sleep(0.010)
    assert len(sold) == 1, sold


def test_the_thread_that_was_interrupted_and_who_went_first(report_when_lost: ReportMaker) -> None:
    moment = "after releasing `lock`"
    report = report_when_lost(busy_shop, "ann", moment, Hold(behind=2))
    facts = facts_of(report)
    shown = matter(facts.rows, facts.deviations, 8)
    assert len(shown) <= 8
    assert len(facts.rows) > 30
    rows = [row for row in shown if isinstance(row, Row)]
    assert [row.task for row in rows if row.task in ("ann", "bob")] == ["ann", "bob", "ann"]
    assert rows[-1].acts[-1].verb == "raises"
    assert sum(row if isinstance(row, int) else 1 for row in shown) == len(facts.rows)


def test_where_began_what_somebody_was_held_up_by(report_of: ReportMaker) -> None:
    def main() -> None:
        threads = [threading.Thread(target=str) for _ in range(9)]
        for thread in threads:
            thread.start()
        first_answer()

    facts = facts_of(report_of(main))
    shown = matter(facts.rows, facts.deviations, 10)
    assert len(shown) <= 10
    started = [act.subject for row in shown if isinstance(row, Row) for act in row.acts]
    assert "fetch#1" in started
    assert "fetch#2" in started


def test_the_count_of_one_row_gives_way_to_the_row(report_when_lost: ReportMaker) -> None:
    report = report_when_lost(busy_shop, "ann", "after releasing `lock`", Hold(behind=2))
    facts = facts_of(report)
    for room in range(4, len(facts.rows)):
        shown = matter(facts.rows, facts.deviations, room)
        assert len(shown) <= room
        assert 1 not in shown


def test_with_room_for_all_nothing_is_left_out(report_when_lost: ReportMaker) -> None:
    report = report_when_lost(busy_shop, "ann", "after releasing `lock`", Hold(behind=2))
    facts = facts_of(report)
    assert matter(facts.rows, facts.deviations, len(facts.rows)) == list(facts.rows)


def test_the_step_to_which_an_oracle_refers() -> None:
    """In the midst of twenty that do the same, and long before the end."""

    async def main() -> None:
        paid: list[int] = []

        async def pay(number: int) -> None:
            await asyncio.sleep(0.010 * number)
            paid.append(number)

        spectest.watch.fact("ten is paid", lambda: 10 in paid)
        await asyncio.gather(*[asyncio.create_task(pay(n), name=f"pay {n}") for n in range(20)])

    report = spectest.explore(main, oracles=spectest.oracles.never("ten is paid"))
    facts = facts_of(report)
    assert [row.task for row in facts.rows if row.proves] == ["pay 10"]
    shown = [row for row in matter(facts.rows, facts.deviations, 4) if isinstance(row, Row)]
    assert any(row.proves for row in shown)
