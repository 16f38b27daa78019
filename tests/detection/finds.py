"""Which oracle finds which broken twin of our patterns, and how soon, as a table for the docs.

    python -m tests.detection.finds

writes it anew into docs/reference/oracle-finds.md; numbers are those of Python 3.11.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any
from unittest import mock

import spectest
from spectest.exploration.shrinking import Shrinker
from tests.detection.pattern_twins import TWINS, Twin

__all__ = ["EXECUTIONS", "PAGE", "SEEDS", "explored", "row", "rows", "worst"]

PAGE = Path(__file__).parents[2] / "docs/reference/oracle-finds.md"
SEEDS = range(20)
EXECUTIONS = 200


def explored(twin: Twin, **settings: Any) -> spectest.Report:
    """The broken one, searched."""
    with twin.breach():
        return spectest.explore(
            twin.program, oracles=twin.judges, runs=EXECUTIONS, **twin.settings, **settings
        )


def found_by(twin: Twin, seeds: range = SEEDS) -> list[spectest.Report]:
    """By each seed; failures are left as they are found, which is what takes no time."""
    with mock.patch.object(Shrinker, "shrink", lambda self, stock: self.best.plan):
        return [explored(twin, seed=seed) for seed in seeds]


def worst(reports: list[spectest.Report]) -> int:
    """After how many executions, stock order twice among them, the last of the seeds finds it."""
    return max(it.executions for it in reports if it.failure is not None)


def row(name: str, twin: Twin, executions: int | str) -> str:
    findings = " / ".join(twin.findings)
    others = ", ".join(f"`{it}`" for it in sorted(twin.others))
    return f"| {name} | `{twin.oracle}` | {findings} | {others} | {executions} |"


def rows() -> dict[str, str]:
    """The lines of the table on the page, by the name of the twin."""
    lines = [it for it in PAGE.read_text().splitlines() if it.startswith("| ") and "`" in it]
    return {line.split("|")[1].strip(): line for line in lines}


def write() -> None:
    head, _, _ = PAGE.read_text().partition("| What is broken")
    table = [
        "| What is broken | Oracle | Finding | Besides | Executions |",
        "| --- | --- | --- | --- | ---: |",
        *(row(name, twin, worst(found_by(twin))) for name, twin in TWINS.items()),
    ]
    PAGE.write_text(head + "\n".join(table) + "\n")


if __name__ == "__main__":
    write()
