"""Workers whose process is ended by one of the points; found by name in new processes."""

import os
import signal
from collections.abc import Sequence

from simulators.sweeps import rows
from simulators.sweeps.rows import Question, Task

POISON = 5
"""The number of the row that no process survives."""


def answer(tasks: Sequence[Task], question: Question) -> list[str]:
    if POISON in [task.row for task in tasks]:
        os.kill(os.getpid(), signal.SIGKILL)
    return rows.answer(tasks, question)
