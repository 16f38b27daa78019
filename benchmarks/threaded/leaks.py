"""What many executions of threaded programs leave behind, in a process of its own.

Correct programs end by themselves; of the broken ones many executions end by force, with threads
that have to be unwound.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import resident_bytes
from benchmarks.threaded.models import BROKEN, CORRECT, Model
from benchmarks.threaded.tools import exploring

__all__ = ["SETS", "Growth", "growth"]

SETS: dict[str, Mapping[str, Model]] = {"correct": CORRECT, "broken": BROKEN}
_SEARCH = 250
_CYCLES_IN = 200


@dataclass(frozen=True)
class Census:
    """What there is in the process."""

    resident: int
    objects: int
    threads: int
    tasks: int

    @classmethod
    def now(cls) -> Census:
        gc.collect()
        return cls(resident_bytes(), len(gc.get_objects()), threading.active_count(), _tasks())


@dataclass(frozen=True)
class Growth:
    """Per execution, from the first tenth to the end: bytes, objects, and objects in cycles.

    `threads` and `tasks`: how many more there are after the last search than before the first one,
    in Python's count and the system's; `tasks_inside`: how many a search keeps for its next
    execution.
    """

    executions: int
    resident: float
    objects: float
    cyclic: float
    threads: int
    tasks: int
    tasks_inside: int


def growth(programs: str, executions: int) -> Growth:
    """Make so many executions of a set of programs, and look what has grown."""
    models = list(SETS[programs].values())
    before = Census.now()
    made, early, early_at = 0, None, 0
    with exploring():
        while made < executions:
            _search(models[made // _SEARCH % len(models)], made)
            made += _SEARCH
            if early is None and made >= executions // 10:
                early, early_at = Census.now(), made
        late = Census.now()
        cyclic = sum(_cycles(model) for model in models) / len(models)
    after = Census.now()
    assert early is not None
    return Growth(
        made,
        (late.resident - early.resident) / (made - early_at),
        (late.objects - early.objects) / (made - early_at),
        cyclic,
        after.threads - before.threads,
        after.tasks - before.tasks,
        late.tasks - before.tasks,
    )


def _search(model: Model, seed: int, executions: int = _SEARCH) -> None:
    from spectest.exploration.execution import execute
    from spectest.kernel.plan import Plan
    from spectest.strategies import by_name
    from spectest.strategies.base import Profile
    from spectest.world import Limits

    strategy, profile, limits = by_name("random", seed), Profile(threads=True), Limits()
    for execution in range(executions):
        strategy.begin(execution, profile)
        strategy.end(execute(model, Plan(), limits, chooser=strategy).contested)


def _cycles(model: Model) -> float:
    """Objects that only the collector can free, per execution."""
    gc.collect()
    gc.disable()
    try:
        _search(model, 0, _CYCLES_IN)
        return gc.collect() / _CYCLES_IN
    finally:
        gc.enable()


def _tasks() -> int:
    """Threads as the operating system counts them; where it does not tell, as Python does."""
    folder = Path("/proc/self/task")
    return len(list(folder.iterdir())) if folder.exists() else threading.active_count()
