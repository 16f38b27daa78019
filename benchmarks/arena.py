"""Contenders take turns in processes of their own, so that a drifting machine favours nobody.

What is compared is the ratio within one round, in CPU time; the absolute times of a shared machine
say nothing.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from statistics import median
from typing import Any

from benchmarks.contenders import Contender
from benchmarks.small import Program

__all__ = ["Arena", "Ratio", "arena"]

_BATCH_S = 0.15
_MOST = 1000


@dataclass(frozen=True)
class Ratio:
    """How many times as fast, in each round."""

    rounds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.rounds)

    def __str__(self) -> str:
        return f"{self.median:.2f} ({min(self.rounds):.2f} to {max(self.rounds):.2f})"


def _serve(connection: Connection, contender: Contender, crowd: int) -> None:
    """The body of a contender's process: CPU seconds of each batch it is asked for."""
    try:
        run = contender.load()
    except ImportError as why:
        connection.send(str(why))
        return
    alive = [[number] for number in range(crowd)]
    connection.send(len(alive))
    while True:
        program, executions, seed = connection.recv()
        before = time.process_time()
        try:
            run(program, executions, seed)
        except Exception as error:
            connection.send(f"{type(error).__name__}: {error}".rstrip(": "))
        else:
            connection.send(time.process_time() - before)


class Arena:
    """`present`: the names of those who can be asked. `absent`: why the others cannot.

    `failed`: by contender and program, why there is no number.
    """

    def __init__(self, connections: Mapping[str, Any]) -> None:
        self._connections = dict(connections)
        self.absent: dict[str, str] = {}
        self.failed: dict[tuple[str, Program], str] = {}
        for name, connection in connections.items():
            answer = connection.recv()
            if isinstance(answer, str):
                self.absent[name] = answer
                del self._connections[name]
        self.present = tuple(self._connections)

    def ask(self, name: str, program: Program, executions: int, seed: int) -> float | None:
        """Executions per CPU second, or None if the tool cannot run this program."""
        self._connections[name].send((program, executions, seed))
        seconds: float | str = self._connections[name].recv()
        if isinstance(seconds, str):
            self.failed[name, program] = seconds
            return None
        return executions / seconds

    def ratios(
        self, program: Program, *, rounds: int, executions: int = 0, first: str = "spectest"
    ) -> dict[str, Ratio | None]:
        """How many times as fast as each of the others `first` is, in alternating rounds."""
        batches: dict[str, int] = {}
        for name in self.present:
            rate = self.ask(name, program, executions or 20, 0)
            if rate is not None:
                batches[name] = executions or max(3, min(int(rate * _BATCH_S), _MOST))
        rates: dict[str, list[float]] = {name: [] for name in batches}
        for number in range(1, rounds + 1):
            for name in list(batches)[:: 1 if number % 2 else -1]:
                rates[name].append(self.ask(name, program, batches[name], number) or 0.0)
        return {
            name: _ratio(rates[first], rates[name]) if name in rates else None
            for name in self.present
            if name != first
        }


def _ratio(ours: list[float], theirs: list[float]) -> Ratio | None:
    if not all(theirs):
        return None
    return Ratio(tuple(a / b for a, b in zip(ours, theirs, strict=True)))


@contextmanager
def arena(contenders: Mapping[str, Contender], *, crowd: int = 0) -> Iterator[Arena]:
    """A fresh process for each contender, with `crowd` live objects in it."""
    fresh = multiprocessing.get_context("spawn")
    processes = []
    connections = {}
    for name, contender in contenders.items():
        here, there = fresh.Pipe()
        process = fresh.Process(target=_serve, args=(there, contender, crowd), daemon=True)
        process.start()
        there.close()
        processes.append(process)
        connections[name] = here
    try:
        yield Arena(connections)
    finally:
        for process in processes:
            process.terminate()
            process.join()
