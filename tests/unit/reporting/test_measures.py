"""How durations and differences are written."""

import pytest

from spectest.kernel.clock import FOREVER_NS
from spectest.reporting.measures import difference, duration


@pytest.mark.parametrize(
    "ns, text",
    [
        (0, "0 ms"),
        (1, "0.000001 ms"),
        (30_000_000, "30 ms"),
        (-1_500_000, "-1.5 ms"),
        (9_999_000_000, "9999 ms"),
        (12_500_000_000, "12.5 s"),
        (FOREVER_NS, "for ever"),
    ],
)
def test_durations(ns: int, text: str) -> None:
    assert duration(ns) == text


@pytest.mark.parametrize(
    "took_ns, usual_ns, text",
    [
        (1_000_000_001, 1_000_000_000, "+1 ns"),
        (0, 30_000_000, "-100 %"),
        (33_000_000, 30_000_000, "+10 %"),
        (5_000_000, 0, "+5 ms"),
        (10_000_100_000, 10_000_000_000, "+0.1 ms"),
    ],
)
def test_differences(took_ns: int, usual_ns: int, text: str) -> None:
    assert difference(took_ns, usual_ns) == text


def test_a_job_that_hangs_takes_for_ever() -> None:
    import spectest
    from spectest.executors import VirtualThreadPool

    def program() -> None:
        with VirtualThreadPool(1, hangs="llm", latency=0.1) as pool:
            pool.submit(llm)

    def llm() -> None:
        pass

    report = spectest.explore(program, runs=3)
    assert "starts `llm#1` (for ever)" in spectest.render(report)
