import asyncio
import pickle
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from spectest.errors import Deadlock, RealWorldError, UsageError
from spectest.exploration.results import Confirmation, Margin, Report
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Hold
from spectest.reporting.places import Place
from spectest.reporting.text import MAX_LINES, render, summary
from tests.unit.reporting import programs

ReportMaker = Callable[..., Report]
LATE = {"answer#1": Hold(10_000_000)}

HEDGE = """\
AssertionError: decided twice: ['fallback', 'model']
  tests/unit/reporting/programs.py:23  assert len(ledger) == 1, f"decided twice: {ledger}"

What breaks it; all else is as usual:
  `answer#1` took 150 ms instead of 140 ms (+7.1 %)
    in the same instant as `hedge timeout#1`, after it
    tests/unit/reporting/programs.py:7 in scorer  await asyncio.sleep(seconds)

   ms  task    what happened
    0  hedge   begins: creates scorer, starts `hedge timeout#1` (150 ms)  programs.py:15
    0  scorer  begins: starts `answer#1` (140 ms)                         programs.py:7
  150  hedge   `hedge timeout#1` falls due: starts `hedge#1` (10 ms)      programs.py:19
→ 150  scorer  `answer#1` completes: returns                              programs.py:7
  160  hedge   `hedge#1` completes: raises AssertionError                 programs.py:23

order    possible on CPython, with other latencies or another memory layout (`ties`)
asyncio  not tried in real time
replay   spectest.replay(program, "TOKEN")
found    in execution 5 of 200 by urw; shrunk to 1 deviation in 31 more"""

FIRST_OF_TWO = """\
AssertionError: the winner was rules
  tests/unit/reporting/programs.py:33  assert winner == "llm", f"the winner was {winner}"

What breaks it; all else is as usual:
  a set of tasks has no order: `llm` came after the others in it

   ms  task          what happened
    0  first_of_two  begins: creates llm, rules         programs.py:6
    0  llm           begins: starts `answer#1` (30 ms)  programs.py:7
    0  rules         begins: starts `answer#2` (30 ms)  programs.py:7
   30  llm           `answer#1` completes: returns      programs.py:7
   30  rules         `answer#2` completes: returns      programs.py:7
→  30  first_of_two  woken by llm                       programs.py:30
   30  first_of_two  goes on: raises AssertionError     programs.py:33
"""

CROSSING = """\
Deadlock: nothing can run any more and the program has not finished.
  crossing (Task-1) waits for asyncio.gather of forth (Task-2), back (Task-3), at
    tests/unit/reporting/programs.py:52 in crossing
  forth (Task-2) waits for asyncio.Lock `right`, held by back (Task-3), at
    tests/unit/reporting/programs.py:43 in forth
  back (Task-3) waits for asyncio.Lock `left`, held by forth (Task-2), at
    tests/unit/reporting/programs.py:49 in back
  a cycle: forth (Task-2) waits for `right` held by back (Task-3); back (Task-3) waits for `left`
    held by forth (Task-2)

What breaks it; all else is as usual:
  `forth#1` took 11 ms instead of 10 ms (+10 %), in the same instant as `back#1`, after it
    tests/unit/reporting/programs.py:42 in forth  await asyncio.sleep(0.010)

   ms  task      what happened
    0  crossing  begins: creates forth, back       programs.py:46
    0  forth     begins: starts `forth#1` (10 ms)  programs.py:42
    0  back      begins: starts `back#1` (11 ms)   programs.py:47
   11  back      `back#1` completes                programs.py:47
→  11  forth     `forth#1` completes               programs.py:42
"""

GROUP = """\
ValueError: no answer (in an ExceptionGroup)
  from the model
  tests/unit/reporting/programs.py:60  raise ValueError("no answer\\nfrom the model")

It fails in stock order, with no deviation.

   ms  task     what happened
    0  group    begins: creates failing, sleep                                  programs.py:58
"""


def page(report: Report, **options: Any) -> str:
    """The page; the compressed token differs between builds of zlib."""
    assert report.failure is not None
    options.setdefault("encoding", "utf-8")
    return render(report, **options).replace(report.failure.token, "TOKEN")


def test_a_late_answer(report_of: ReportMaker) -> None:
    assert page(report_of(programs.hedge, LATE)) == HEDGE


def test_the_order_of_a_set(report_of: ReportMaker) -> None:
    text = page(report_of(programs.first_of_two, picks={"set order of task 2": 1}))
    assert text.startswith(FIRST_OF_TWO)


def test_a_deadlock(report_of: ReportMaker) -> None:
    report = report_of(programs.crossing, {"forth#1": Hold(1_000_000, 0, 1)})
    assert report.failure is not None
    assert isinstance(report.failure.error, Deadlock)
    assert page(report).startswith(CROSSING)


def test_a_failure_of_stock_order_inside_an_exception_group(report_of: ReportMaker) -> None:
    text = page(report_of(programs.group, shrunk_in=0, strategy="stock order"))
    assert text.startswith(GROUP)
    assert "possible on CPython, at these durations (`strict`)" in text
    assert text.endswith("found    in execution 5 of 200 by stock order")


@pytest.mark.parametrize(
    "program, holds",
    [
        (programs.hedge, LATE),
        (programs.crossing, {"forth#1": Hold(1_000_000, 0, 1)}),
        (programs.crowd, {f"member#{400 + i}": Hold(1_000_000 + i) for i in range(1, 12)}),
        (programs.spinning, {}),
        (programs.group, {}),
    ],
)
def test_every_page_fits_one_screen_and_shows_no_frame_of_ours(
    report_of: ReportMaker, program: Any, holds: Any
) -> None:
    lines = page(report_of(program, holds), replay_hint="pytest x.py").splitlines()
    assert len(lines) <= MAX_LINES + 9
    assert max(map(len, lines)) <= 100
    places = re.findall(r"(\S+\.py):\d+", "\n".join(lines))
    assert places
    assert {place.rpartition("/")[2] for place in places} == {"programs.py"}


def test_a_message_of_ours_is_shown_whole(report_of: ReportMaker) -> None:
    advice = "If it waits for a socket, a subprocess or a C extension, pass a fake; " * 2

    async def main() -> None:
        message = f"it waits\nfor the real world\n{advice}\nat last"
        raise RealWorldError(message)

    head = page(report_of(main)).partition("\n\n")[0]
    assert "..." not in head
    assert "".join(head.split()).startswith(
        f"RealWorldError:itwaitsfortherealworld{''.join(advice.split())}atlasttests/"
    )


def test_many_deviations_and_steps_are_counted(report_of: ReportMaker) -> None:
    holds = {f"member#{400 + i}": Hold(1_000_000) for i in range(1, 10)}
    text = page(report_of(programs.crowd, holds))
    assert "  ... and 7 more, all in the token\n" in text
    assert "  ... and 6 more\n" in text.partition("\n\n")[0]
    assert re.search(r"\.\.\.  \d+ steps left out\n", text)
    assert "crowd             woken by member (Task-10): raises AssertionError" in text


def test_the_same_failure_gives_the_same_page(report_of: ReportMaker) -> None:
    assert page(report_of(programs.hedge, LATE)) == page(report_of(programs.hedge, LATE))


def test_a_saved_failure_gives_the_same_page(report_of: ReportMaker) -> None:
    report = report_of(programs.hedge, LATE)
    saved = pickle.loads(pickle.dumps(report))
    assert saved.failure.error.__traceback__ is None
    assert page(saved) == page(report)


def test_an_answer_one_poll_later(report_of: ReportMaker) -> None:
    text = page(report_of(programs.hedge, {"answer#1": Hold(10_000_000, 1, 0)}))
    assert "(+7.1 %), and arrived one poll after `hedge timeout#1`\n" in text


def test_an_answer_two_polls_later(report_of: ReportMaker) -> None:
    text = page(report_of(programs.hedge, {"answer#1": Hold(10_000_000, 2, 0)}))
    assert "and arrived 2 polls later, when hedge had already run\n" in text


def test_a_nanosecond_after_the_deadline_is_seen(report_of: ReportMaker) -> None:
    text = page(report_of(programs.hedge, {"answer#1": Hold(10_000_001)}))
    assert "took 150.000001 ms instead of 140 ms (+7.1 %)\n" in text
    assert "    after `hedge timeout#1`, which it usually precedes\n" in text
    assert "\n→ 150.000001  scorer" in text


def test_a_nanosecond_is_no_percentage(report_of: ReportMaker) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0.010)
        assert loop.time() == 0.010

    text = page(report_of(main, {"main#1": Hold(1)}))
    assert "`main#1` took 10.000001 ms instead of 10 ms (+1 ns)\n" in text


def test_a_tie_among_equal_sleeps(report_of: ReportMaker) -> None:
    async def main() -> None:
        order: list[str] = []

        async def ask(name: str) -> None:
            await asyncio.sleep(0.010)
            order.append(name)

        await asyncio.gather(ask("a"), ask("b"))
        assert order == ["a", "b"]

    text = page(report_of(main, {"ask#1": Hold(behind=1)}))
    assert "`ask#1` completed on time, in the same instant as `ask#2`, after it\n" in text


@pytest.mark.parametrize(
    "confirmation, words",
    [
        (None, "not tried in real time"),
        (Confirmation(True, 1, ""), "confirmed in real time, 1 try"),
        (
            Confirmation(False, 3, "it passed each time"),
            "not confirmed in real time, 3 tries: it passed each time",
        ),
    ],
)
def test_confirmation(report_of: ReportMaker, confirmation: Any, words: str) -> None:
    text = page(report_of(programs.hedge, LATE, confirmation=confirmation))
    assert f"\nasyncio  {words}\n" in text


@pytest.mark.parametrize(
    "hint, lines",
    [
        ("pytest x.py --spectest-replay={token}", "replay   pytest x.py --spectest-replay=TOKEN\n"),
        ("pytest x.py", "replay   pytest x.py\ntoken    TOKEN\n"),
    ],
)
def test_how_to_replay(report_of: ReportMaker, hint: str, lines: str) -> None:
    assert lines in page(report_of(programs.hedge, LATE), replay_hint=hint)


def test_an_ascii_stream_gets_an_ascii_page(report_of: ReportMaker) -> None:
    text = page(report_of(programs.hedge, LATE), encoding="ascii")
    assert text == HEDGE.replace("→", ">")


def test_a_narrow_page(report_of: ReportMaker) -> None:
    lines = page(report_of(programs.hedge, LATE), width=60, replay_hint="pytest").splitlines()
    assert max(map(len, lines)) <= 60
    assert len(lines) <= MAX_LINES


def test_the_order_model_any_is_not_blamed_on_asyncio(report_of: ReportMaker) -> None:
    text = page(report_of(programs.hedge, LATE, order_model="any"))
    assert (
        "not an order that asyncio produces: another loop, a refactoring, threads (`any`)" in text
    )


def test_the_summary_of_a_clean_search(report_of: ReportMaker) -> None:
    report = Report("app:check", Settings(), 200, complete=False, failure=None)
    assert summary(report) == "app:check: no failure in 200 executions (order ties, seed 0)"
    report = replace(report, complete=True, confidence=("a bug of depth 1 ...",), notes=("short",))
    assert summary(report).splitlines()[1:] == [
        "  complete: there is no other execution under these settings",
        "  a bug of depth 1 ...",
        "  note: short",
    ]
    assert render(report, encoding="utf-8") == summary(report)


def test_the_margin_names_what_happens_beyond(report_of: ReportMaker) -> None:
    beyond = report_of(programs.hedge, LATE).failure
    margin = Margin(1.06, beyond)
    report = Report("p", Settings(), 2, complete=False, failure=None, margin=margin)
    expected = (
        "  margin: holds up to {}1.06; "
        "then `answer#1` comes after `hedge timeout#1`: AssertionError"
    )
    assert summary(report).splitlines()[1] == expected.format("\N{MULTIPLICATION SIGN}")
    assert render(report, encoding="ascii").splitlines()[1] == expected.format("x")


def test_a_line_of_a_package_is_shown_by_its_name() -> None:
    assert Place("lib/cache/__init__.py", 7, "get", "").short == "cache:7"
    assert Place("lib/cache/table.py", 7, "get", "").short == "table.py:7"


def test_what_is_no_report_is_refused() -> None:
    with pytest.raises(UsageError, match=r"what explore\(\) or sample\(\) returns, not None"):
        render(None)  # type: ignore[arg-type]
