"""Which lines of the user's own files run, and which of them only under an unusual order.

Lines count in all threads of the world, and in no other thread. What a shrinking, a confirmation or
a search between lines runs does not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import CodeType, FrameType

from spectest.exploration.contexts import Contexts
from spectest.exploration.execution import Outcome
from spectest.exploration.results import Coverage, CoveredFile, UnusualLine
from spectest.kernel.plan import Plan
from spectest.source.line_events import lines_told
from spectest.source.lines import USER, kind_of_file
from spectest.source.statements import Statements
from spectest.threads.agents import current

__all__ = ["Measurement"]

_TOOLS = (1, 3, 4)
Line = tuple[str, int]


class Measurement:
    """Collects the lines of the executions of `program`, one after the other."""

    def __init__(self, program: str) -> None:
        self._statements = Statements()
        self._contexts = Contexts(program)
        self._codes: dict[int, CodeType] = {}
        self._paths: dict[str, str] = {}
        self._stock: set[Line] = set()
        self._others: dict[Line, UnusualLine] = {}
        self._in_stock_order = self._deviating = 0

    def of(self, run: Callable[[], Outcome], number: int, *, stock: bool) -> Outcome:
        """Run execution `number`, and keep which lines ran.

        `stock`: whether it is known beforehand to be in stock order, for the name of its context.
        """
        label = "stock" if stock else f"execution {number}"
        with self._contexts.switched(label), self._lines() as ran:
            outcome = run()
        self._add(number, outcome.plan, ran)
        return outcome

    @contextmanager
    def _lines(self) -> Iterator[set[Line]]:
        """While the block lasts, the lines that run are put into the set."""
        ran: set[Line] = set()
        codes = self._codes

        def at_line(code: CodeType, number: int) -> bool:
            if current() is None:
                return True  # A thread that is not the world's; one of its own may come here, too.
            codes[id(code)] = code
            ran.add((code.co_filename, number))
            return False

        with lines_told("coverage", _TOOLS, _is_users, at_line):
            yield ran

    def _add(self, number: int, plan: Plan, ran: set[Line]) -> None:
        lines = self._first_lines(ran)
        if not plan:
            self._in_stock_order += 1
            self._stock |= lines
            return
        self._deviating += 1
        for line in lines:
            before = self._others.get(line)
            if before is None:
                self._others[line] = UnusualLine(line[1], number, 1, plan)
                continue
            fewest = min(before.plan, plan, key=len)
            self._others[line] = replace(before, executions=before.executions + 1, plan=fewest)

    def coverage(self) -> Coverage:
        """What was collected until now."""
        unusual = self._others.keys() - self._stock
        ran = self._others.keys() | self._stock
        never = self._first_lines(
            {line for code in self._codes.values() for line in _reachable(code)}
        )
        files = tuple(
            CoveredFile(
                file,
                _of(file, self._stock),
                tuple(self._others[file, line] for line in _of(file, unusual)),
                _of(file, never - ran),
            )
            for file in sorted({file for file, _ in ran})
        )
        return Coverage(files, self._in_stock_order, self._deviating, self._contexts.remark)

    def _first_lines(self, lines: set[Line]) -> set[Line]:
        """The lines at which their statements begin; those that are excluded are left out."""
        found = set()
        for name, line in lines:
            if name not in self._paths:
                self._paths[name] = str(Path(name).absolute())
            file = self._paths[name]
            start = self._statements.of(file, line)
            if start is not None:
                found.add((file, start))
        return found


def _reachable(code: CodeType) -> Iterator[Line]:
    """Those at which something can run; where it is defined, the function itself begins."""
    for *_, line in code.co_lines():
        if line and line != code.co_firstlineno:
            yield code.co_filename, line


def _of(file: str, lines: Iterable[Line]) -> tuple[int, ...]:
    return tuple(sorted(line for name, line in lines if name == file))


def _is_users(frame: FrameType) -> bool:
    file = frame.f_code.co_filename
    return not file.startswith("<") and kind_of_file(file) == USER
