"""The section on coverage: few lines, in the words of the plan."""

import json
from pathlib import Path

import pytest

from spectest.exploration.results import Coverage, CoveredFile, UnusualLine
from spectest.kernel.identity import SET_ORDER
from spectest.kernel.plan import Hold, Plan
from spectest.reporting.covered import record, section

MS = 1_000_000
LATE = Plan({"llm#1": Hold(12 * MS + 1)})


def line(number: int, plan: Plan = LATE, *, first: int = 7, executions: int = 3) -> UnusualLine:
    return UnusualLine(number, first, executions, plan)


def coverage(
    *unusual: UnusualLine,
    stock: tuple[int, ...] = (),
    never: tuple[int, ...] = (),
    runs: int = 20,
    remark: str = "",
) -> Coverage:
    file = CoveredFile(str(Path.cwd() / "hedge.py"), stock, unusual, never)
    return Coverage((file,), 2, runs, remark)


@pytest.fixture(autouse=True)
def hedge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("hedge.py").write_text("\n".join(f"    line_{number}()" for number in range(1, 100)))


def test_lines_one_after_the_other_are_one_block() -> None:
    unusual = [line(41), line(43), line(44), line(50)]
    assert section(coverage(*unusual, stock=(40, 47)), 100) == [
        "Only under an unusual order (20 executions):",
        "  hedge.py:41-44  line_41()  in 3 executions, first in 7, with `llm#1` 12 ms later",
        "  hedge.py:50     line_50()  in 3 executions, first in 7, with `llm#1` 12 ms later",
    ]


@pytest.mark.parametrize("between", [{"stock": (42,)}, {"never": (42,)}])
def test_what_else_could_run_between_divides_them(between: dict[str, tuple[int, ...]]) -> None:
    lines = section(coverage(line(41), line(43), **between), 100)  # type: ignore[arg-type]
    assert [text.split()[0] for text in lines[1:3]] == ["hedge.py:41", "hedge.py:43"]


OTHER = Plan({"rules#1": Hold(MS)})


@pytest.mark.parametrize("other", [line(42, first=8), line(42, executions=2), line(42, OTHER)])
def test_and_so_does_another_execution(other: UnusualLine) -> None:
    assert len(section(coverage(line(41), other), 100)) == 3
    assert len(section(coverage(line(41), line(42)), 100)) == 2


@pytest.mark.parametrize(
    "plan, words",
    [
        (Plan({"llm#1": Hold(-2 * MS)}), "`llm#1` 2 ms earlier"),
        (Plan({"llm#1": Hold(0, polls=1)}), "`llm#1` 1 poll later"),
        (Plan({"llm#1": Hold(MS, 2, 1)}), "`llm#1` 1 ms and 2 polls later, behind 1 other"),
        (Plan({"T0 turn#3": Hold(0, behind=2)}), "`T0 turn#3` behind 2 others"),
        (Plan({"T0 stall#3": Hold(20 * MS)}), "`T0 stall#3` of 20 ms"),
        (Plan(picks={"weather": 2}), "option 2 of `weather`"),
        (Plan(picks={f"{SET_ORDER}task 3": 1}), "another order of a set"),
        (Plan({"a#1": Hold(MS), "b#1": Hold(MS)}), "`a#1` 1 ms later and 1 more deviation"),
        (Plan({"a#1": Hold(MS)}, {"x": 1, "y": 1}), "`a#1` 1 ms later and 2 more deviations"),
    ],
)
def test_what_deviates(plan: Plan, words: str) -> None:
    *_, text = section(coverage(line(41, plan, executions=1)), 120)
    assert text == f"  hedge.py:41  line_41()  in execution 7, with {words}"


def test_never_has_a_part_of_its_own() -> None:
    lines = section(coverage(line(41), stock=(40,), never=(45, 46)), 100)
    assert lines[2:] == ["Never, in functions that ran:", "  hedge.py:45-46  line_45()"]


@pytest.mark.parametrize(
    "runs, words",
    [
        (20, "No line ran only under an unusual order."),
        (0, "No execution deviated from stock order, so no line ran only under an unusual one."),
    ],
)
def test_nothing_to_tell(runs: int, words: str) -> None:
    assert section(coverage(stock=(1, 2), runs=runs), 100) == [words]


def test_why_there_are_no_contexts() -> None:
    assert section(coverage(remark="because"), 100)[-1] == "No contexts: because."


def test_what_does_not_fit() -> None:
    many = [line(number) for number in range(1, 30, 3)]
    stock = tuple(range(2, 30, 3))
    lines = section(coverage(*many, stock=stock), 70)
    assert max(map(len, lines)) <= 70
    assert lines[-1] == "  ... and 4 more places"
    assert lines[1:3] == [
        "  hedge.py:1   line_1()",
        "    in 3 executions, first in 7, with `llm#1` 12 ms later",
    ]


def test_the_record_has_it_all() -> None:
    found = record(coverage(line(41), stock=(1,), never=(2,)))
    assert json.loads(json.dumps(found)) == {
        "stock_executions": 2,
        "unusual_executions": 20,
        "remark": None,
        "files": [
            {
                "file": "hedge.py",
                "stock": [1],
                "unusual": [
                    {
                        "line": 41,
                        "first": 7,
                        "executions": 3,
                        "token": line(41).token,
                        "holds": {"llm#1": {"by_ns": 12 * MS + 1, "polls": 0, "behind": 0}},
                        "picks": {},
                    }
                ],
                "never": [2],
            }
        ],
    }
    assert record(None) is None
