"""Handing out tasks so that none is lost, and none that kills its process is tried for ever.

When processes die, nobody knows which job it was. All that were handed out are suspects, and each
is handed out again; who was under way at two such deaths has to work alone from then on, so that in
the end the point that does it is named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from typing import Any

from simulators.errors import ScenarioError
from simulators.sweeps.crews import Crew
from simulators.sweeps.rows import Question, Task, answer

__all__ = ["ATTEMPTS", "Dealer"]

ATTEMPTS = 4
"""How often a point may be under way when its process dies."""

_SUSPECT = 2


@dataclass(slots=True)
class _Job:
    tasks: Sequence[Task]
    deaths: int = 0


class Dealer:
    """Hands out `chunks` of tasks to a crew, and collects the rows.

    `idle` is called every second while nothing is done.
    """

    def __init__(
        self,
        chunks: Sequence[Sequence[Task]],
        question: Question,
        crew: Crew,
        idle: Callable[[], None],
    ) -> None:
        self._question, self._crew, self._idle = question, crew, idle
        self._waiting = deque(_Job(chunk) for chunk in chunks)
        self._flying: dict[Future[Any], _Job] = {}

    def rows(self) -> Iterator[list[str]]:
        """The rows of each chunk, in the order in which they are done.

        `ScenarioError` for a point that cannot be simulated, or that has killed its process
        `ATTEMPTS` times.
        """
        while self._waiting or self._flying:
            lost: list[_Job] = []
            handed = self._hand_out()
            done, _ = wait(self._flying, timeout=1.0 if handed else 0, return_when=FIRST_COMPLETED)
            if not done:
                self._idle()
            yield from self._collect(lost)
            if lost or not handed:
                self._crew.renew()
                yield from self._collect(lost)  # who broke has let go of all it had
                self._again(lost)

    def _collect(self, lost: list[_Job]) -> Iterator[list[str]]:
        """The rows of the jobs that are over; who has none is `lost`."""
        for future in [future for future in self._flying if future.done()]:
            job = self._flying.pop(future)
            if (found := self._result(future, job)) is None:
                lost.append(job)
            else:
                yield found

    def _hand_out(self) -> bool:
        """As many jobs as the crew takes; False if it takes none any more."""
        while self._waiting:
            alone = self._waiting[0].deaths >= _SUSPECT
            watched = any(job.deaths >= _SUSPECT for job in self._flying.values())
            if len(self._flying) >= (1 if alone or watched else self._crew.window):
                return True
            job = self._waiting.popleft()
            try:
                future = self._crew.submit(answer, job.tasks, self._question)
            except self._crew.losses:
                self._waiting.appendleft(job)
                return False
            self._flying[future] = job
        return True

    def _result(self, future: Future[Any], job: _Job) -> list[str] | None:
        """The rows; None if the job was lost."""
        try:
            rows: list[str] = future.result()
        except self._crew.losses:
            return None
        except ScenarioError:
            raise
        except Exception as error:
            told = " ".join(f"{type(error).__name__}: {error}".split())
            remedy = "the rows that are done are kept; sweep again to go on"
            where = f"what came of {job.tasks[0].name}"
            raise ScenarioError(where, told, "is no row", remedy) from error
        return rows

    def _again(self, lost: list[_Job]) -> None:
        """Give out again what was under way, point by point."""
        for job in lost:
            if job.deaths + 1 >= ATTEMPTS:
                why = f"has ended its process {ATTEMPTS} times"
                remedy = "give it more memory or fewer requests; the rows that are done are kept"
                raise ScenarioError("the point", job.tasks[0].name, why, remedy)
        again = [_Job([task], job.deaths + 1) for job in lost for task in job.tasks]
        self._waiting.extend(sorted(again, key=lambda job: job.tasks[0].row))
