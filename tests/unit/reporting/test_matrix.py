import re

import pytest

import spectest
from spectest.exploration.execution import Program
from spectest.exploration.results import Point
from tests.unit.reporting import cancelled_programs as programs

PAGE = """\
tests.unit.reporting.cancelled_programs:loses_a_connection: 8 of 19 cancellations fail

  await    cancelled by     before     at         after  waits for  at
  main 1   caller, timeout  FAILED     ok                log        LINE
  fetch 1  task             FAILED     FAILED            fetch#1    LINE
           caller, timeout  FAILED     ok
  log 1    task             swallowed  swallowed  ok     log#1      LINE
           caller, timeout  FAILED     ok         ok
  log 2    any              ok         ok                its turn   LINE

  ok: it ended as cancelled, and every promise held
  swallowed: it ended otherwise, and every promise held
  FAILED: a promise or an assertion broke
  after: the same execution as before the task's next await
  coverage: 4 of 4 awaits, 19 cancellations in 22 executions

AssertionError: a connection is lost
"""


@pytest.fixture(autouse=True)
def at_the_root(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(request.config.rootpath)


def page_of(sweep: spectest.Sweep) -> str:
    return re.sub(r"\.py:\d+", ".py:N", spectest.render(sweep, encoding="utf-8"))


def test_a_page_is_a_matrix_and_the_page_of_the_first_failure() -> None:
    page = page_of(spectest.sweep(programs.loses_a_connection))
    matrix = re.sub(r"  cancelled_programs.py:N  .*", "  LINE", page)
    assert matrix[: len(PAGE)] == PAGE
    assert "found    in execution 4 of 22 by sweep" in page


def sentence(sweep: spectest.Sweep) -> str:
    _, _, after = page_of(sweep).partition("all else is as usual:\n")
    return " ".join(after.partition("\n\n")[0].split())


@pytest.mark.parametrize(
    "kinds, tasks, expected",
    [
        (
            ["before"],
            "fetch",
            "`fetch` was cancelled at its first await, as soon as it waited there",
        ),
        (
            ["at"],
            "fetch",
            "`fetch` was cancelled at its first await, when `fetch#1` had completed",
        ),
        (
            ["caller", "at"],
            "fetch",
            "`fetch` was cancelled at its first await, when `fetch#1` had completed",
        ),
        (
            ["caller"],
            "main",
            "the program was cancelled by its caller with `main` at its first await as soon as",
        ),
        (
            ["timeout"],
            "log",
            "the program timed out with `log` at its first await, as soon as `log` waited there",
        ),
    ],
)
def test_what_breaks_it_is_a_sentence(kinds: list[str], tasks: str, expected: str) -> None:
    sweep = spectest.sweep(programs.loses_a_connection, kinds=kinds, tasks=tasks)
    assert sentence(sweep).startswith(expected)
    assert "tests/unit/reporting/cancelled_programs.py:N" in sentence(sweep)


def test_the_row_of_the_cancellation_is_marked() -> None:
    sweep = spectest.sweep(programs.loses_a_connection, kinds=["before"], tasks="fetch")
    rows = [line for line in page_of(sweep).splitlines() if line.startswith("\N{RIGHTWARDS ARROW}")]
    (row,) = rows
    assert "fetch" in row
    assert "cancelled: is cancelled" in row


def test_a_long_matrix_is_cut_and_says_so() -> None:
    page = page_of(spectest.sweep(programs.many_awaits))
    assert "  ... and 24 more awaits\n" in page
    assert len(page.splitlines()) <= 25
    assert "coverage: 40 of 40 awaits, 160 cancellations" in page


def test_rows_with_failures_are_shown_first() -> None:
    sweep = spectest.sweep(programs.many_awaits)
    (late,) = [
        one for one in sweep.points if (one.number, one.kind, one.by) == (39, "at", "caller")
    ]
    fields = {name: getattr(late, name) for name in Point.__slots__}
    failed = Point(**{**fields, "outcome": "failed"})
    points = tuple(failed if one is late else one for one in sweep.points)
    shown = spectest.Sweep(
        sweep.program, sweep.settings, points, (), sweep.coverage, sweep.executions
    )
    assert "many_awaits 39" in spectest.render(shown)
    assert "many_awaits 38" not in spectest.render(shown)


def test_a_clean_sweep_is_a_matrix() -> None:
    page = page_of(spectest.sweep(programs.many_awaits))
    assert page.splitlines()[0].endswith("many_awaits: none of 160 cancellations fails")
    assert "FAILED" not in page


@pytest.mark.parametrize(
    "program, title",
    [
        (programs.no_awaits, "no_awaits: nothing to cancel"),
        (programs.fails, "fails: it fails without a cancellation"),
    ],
)
def test_where_there_is_no_matrix(program: Program, title: str) -> None:
    assert page_of(spectest.sweep(program)).splitlines()[0].endswith(title)


def test_what_a_stream_cannot_show_is_replaced() -> None:
    spectest.render(spectest.sweep(programs.loses_a_connection), encoding="ascii").encode("ascii")
