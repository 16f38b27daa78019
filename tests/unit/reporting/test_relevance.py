"""Which rows of a long interleaving are shown."""

import threading
import time
from collections.abc import Callable
from typing import Any

from spectest.exploration.results import Report
from spectest.kernel.plan import Hold
from spectest.reporting.failure import facts_of
from spectest.reporting.interleaving import Row
from spectest.reporting.relevance import matter

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


def test_with_room_for_all_nothing_is_left_out(report_when_lost: ReportMaker) -> None:
    report = report_when_lost(busy_shop, "ann", "after releasing `lock`", Hold(behind=2))
    facts = facts_of(report)
    assert matter(facts.rows, facts.deviations, len(facts.rows)) == list(facts.rows)
