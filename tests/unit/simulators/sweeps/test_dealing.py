from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import BrokenExecutor, Future
from typing import Any

import pytest

from simulators import provenance
from simulators.scenario import ScenarioError
from simulators.sweeps import dealing
from simulators.sweeps.dealing import ATTEMPTS, Dealer
from simulators.sweeps.rows import Question, Task

QUESTION = Question(10, 0, 0.95, None, provenance.versions())


class Fragile:
    """A crew that does one job whenever somebody waits, and dies at the rows that `deadly` names.

    With it goes all that was handed out.
    """

    size, window = 2, 4
    losses: tuple[type[BaseException], ...] = (BrokenExecutor,)

    def __init__(self, deadly: dict[int, int]) -> None:
        self.deadly = deadly
        self.handed_out: list[tuple[list[int], Future[Any]]] = []
        self.crowds: list[tuple[list[int], int]] = []
        self.renewed = 0
        self.broken = False

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        if self.broken:
            raise BrokenExecutor
        future: Future[Any] = Future()
        self.handed_out.append(([task.row for task in arguments[0]], future))
        return future

    def wait(self, _: Iterable[Future[Any]], **__: Any) -> tuple[set[Future[Any]], None]:
        rows, future = self.handed_out.pop(0)
        self.crowds.append((rows, len(self.handed_out)))
        deadly = [row for row in rows if self.deadly.get(row, 0)]
        for row in deadly:
            self.deadly[row] -= 1
        if deadly:
            self.broken = True
            future.set_exception(BrokenExecutor())
        else:
            future.set_result([f"row {row}" for row in rows])
        return {future}, None

    def renew(self) -> None:
        self.renewed += 1
        self.broken = False
        for _, future in self.handed_out:
            future.set_exception(BrokenExecutor())
        self.handed_out.clear()

    def close(self, *, now: bool) -> None:
        pass


def dealt(crew: Fragile, chunks: Sequence[Sequence[int]], patch: pytest.MonkeyPatch) -> list[str]:
    patch.setattr(dealing, "wait", crew.wait)
    tasks = [[Task(row, row, {}, {}, 0, "", f"point {row}") for row in chunk] for chunk in chunks]
    return [row for rows in Dealer(tasks, QUESTION, crew, lambda: None).rows() for row in rows]


CHUNKS = [[0, 1], [2, 3], [4, 5], [6, 7], [8, 9]]


def test_every_row_comes_once(monkeypatch: pytest.MonkeyPatch) -> None:
    crew = Fragile({})
    assert dealt(crew, CHUNKS, monkeypatch) == [f"row {row}" for row in range(10)]
    assert crew.renewed == 0


@pytest.mark.parametrize("deadly", [{0: 1}, {3: 2}, {9: ATTEMPTS - 1}, {1: 1, 6: 2}], ids=str)
def test_what_dies_with_others_is_done_again(
    deadly: dict[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    deaths = sum(deadly.values())
    crew = Fragile(deadly)
    assert sorted(dealt(crew, CHUNKS, monkeypatch)) == [f"row {row}" for row in range(10)]
    assert crew.renewed == deaths


def test_who_kills_again_and_again_is_named_and_nobody_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    crew = Fragile({3: 99})
    with pytest.raises(ScenarioError, match="the point is 'point 3', which has ended its process"):
        dealt(crew, CHUNKS, monkeypatch)
    assert crew.deadly[3] == 99 - ATTEMPTS
    attempts = [(rows, others) for rows, others in crew.crowds if 3 in rows]
    assert [rows for rows, _ in attempts] == [[2, 3], [3], [3], [3]]
    assert [others for _, others in attempts][-2:] == [0, 0]
