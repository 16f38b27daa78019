"""Contenders in processes of their own, with a time limit: some tools hang on some programs.

A player is asked in turn with others, and what counts is the CPU time its process spent on the
answer. One that hangs or crashes says so, and begins anew when it is asked again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

from benchmarks.arena import Ratio
from benchmarks.threaded.models import BROKEN, CORRECT
from benchmarks.threaded.relay import FreshRelay, Relay
from benchmarks.threaded.tools import TOOLS, Tool, WrongVerdict

__all__ = ["Player", "Refusal", "ratios"]

PLAYERS: dict[str, Tool] = {
    **TOOLS,
    "threads reused": Tool(Relay),  # type: ignore[arg-type]
    "fresh threads": Tool(FreshRelay),  # type: ignore[arg-type]
}
_ROOT = Path(__file__).resolve().parent.parent.parent
_MODELS = {**CORRECT, **BROKEN}
_BATCH_S = 0.2


class Refusal(Exception):
    """Why there is no number."""


class Player:
    """The process of one contender. `limit_s`: how long an answer may take."""

    def __init__(self, name: str, *, limit_s: float) -> None:
        self.name = name
        self._limit_s = limit_s
        self._process: subprocess.Popen[str] | None = None
        self._complaints: IO[str] | None = None

    def explore(self, program: str | tuple[int, int], executions: int, seed: int) -> float:
        """CPU seconds for so many executions of a correct program."""
        return float(self._ask("explore", program, executions, seed)["seconds"])

    def first_hit(self, program: str, seed: int, cut: int) -> int:
        """Number of the first execution that fails, cut + 1 for none."""
        return int(self._ask("first_hit", program, seed, cut)["answer"])

    def _ask(self, *question: Any) -> dict[str, Any]:
        process = self._process or self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        hung = threading.Event()
        alarm = threading.Timer(self._limit_s, lambda: (hung.set(), process.kill()))
        alarm.start()
        try:
            process.stdin.write(json.dumps(question) + "\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError:
            line = ""
        finally:
            alarm.cancel()
        if hung.is_set():
            self.stop()
            raise Refusal(f"hangs (no answer in {self._limit_s:g} s)")
        if not line:
            raise Refusal(f"crashes: {self._last_words()}")
        answer: dict[str, Any] = json.loads(line)
        if "refusal" in answer:
            raise Refusal(answer["refusal"])
        return answer

    def _start(self) -> subprocess.Popen[str]:
        self._complaints = tempfile.TemporaryFile("w+")  # noqa: SIM115 (lives as long as the process)
        under = PLAYERS[self.name].under
        try:
            self._process = subprocess.Popen(
                [*under, sys.executable, "-m", "benchmarks.threaded.players", self.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._complaints,
                cwd=_ROOT,
                text=True,
            )
        except FileNotFoundError as why:
            raise Refusal(f"absent: {why}") from None
        return self._process

    def _last_words(self) -> str:
        complaints = self._complaints
        self.stop(close=False)
        assert complaints is not None
        complaints.seek(0)
        lines = [line.strip() for line in complaints if line.strip()]
        complaints.close()
        return lines[-1] if lines else "without a word"

    def close(self) -> None:
        """End the process for good."""
        self.stop()

    def stop(self, *, close: bool = True) -> None:
        """End the process; the next question starts another one."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        if close and self._complaints is not None:
            self._complaints.close()
        self._process = self._complaints = None


def ratios(
    first: Player,
    others: Sequence[Player],
    program: str,
    sizes: dict[str, tuple[int, int]] | None = None,
    *,
    rounds: int,
) -> dict[str, Ratio | str]:
    """How many times as fast as each of `others` `first` is, or why nobody knows.

    `sizes`: what to ask instead of the program, by player.
    """
    asked = {player.name: (sizes or {}).get(player.name, program) for player in (first, *others)}
    seconds: dict[str, list[float]] = {}
    refusals: dict[str, str] = {}
    batches: dict[str, int] = {}
    for player in (first, *others):
        try:
            player.explore(asked[player.name], 10, 0)
            each = player.explore(asked[player.name], 20, 0) / 20
        except Refusal as why:
            refusals[player.name] = str(why)
            continue
        batches[player.name] = max(10, min(int(_BATCH_S / each), 1_000_000))
        seconds[player.name] = []
    for number in range(1, rounds + 1):
        for player in (first, *others)[:: 1 if number % 2 else -1]:
            if player.name in refusals:
                continue
            batch = batches[player.name]
            try:
                spent = player.explore(asked[player.name], batch, number)
            except Refusal as why:
                refusals[player.name] = str(why)
                continue
            seconds[player.name].append(spent / batch)
    if first.name in refusals:
        raise RuntimeError(refusals[first.name])
    ours = seconds[first.name]
    return {
        player.name: refusals.get(player.name)
        or Ratio(tuple(b / a for a, b in zip(ours, seconds[player.name], strict=True)))
        for player in others
    }


def _serve(name: str) -> None:
    """The body of a player's process: questions on standard input, answers on standard output."""
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # Whatever the tool prints is no answer.
    runner: Any = None
    for line in sys.stdin:
        what, program, *numbers = json.loads(line)
        model = _MODELS[program] if isinstance(program, str) else program
        try:
            runner = runner or PLAYERS[name].load()
            before = time.process_time()
            answer = getattr(runner, what)(model, *numbers)
            reply = {"answer": answer, "seconds": time.process_time() - before}
        except ImportError as why:
            reply = {"refusal": f"absent: {why}"}
        except WrongVerdict as why:
            reply = {"refusal": str(why)}
        except Exception as error:
            reply = {"refusal": f"{type(error).__name__}: {error}".splitlines()[0]}
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    _serve(sys.argv[1])
