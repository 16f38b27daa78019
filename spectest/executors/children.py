"""Child processes on virtual threads: a pool's workers, with what they see of being a process.

A child has a number of its own for `os.getpid()`, a name for `multiprocessing.current_process()`
and its own module globals (see `module_state`). It dies as processes do, in the middle of whatever
it does, by `os._exit`, by a signal to itself, or because its pool terminates it; then its thread is
unwound. The numbers are larger than any operating system gives to processes.
"""

from __future__ import annotations

import functools
import itertools
import multiprocessing.process
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any

from spectest.executors.module_state import ModuleState
from spectest.executors.submissions import PerWorld
from spectest.threads.agents import Agent, WorldEnded, current

__all__ = ["Child", "ChildDied", "present_child"]

_FIRST_PID = 10_000_001
_NAMES = {"fork": "ForkProcess", "spawn": "SpawnProcess", "forkserver": "ForkServerProcess"}
_DEADLY = frozenset(
    getattr(signal, name)
    for name in ("SIGABRT", "SIGKILL", "SIGSEGV", "SIGTERM")
    if hasattr(signal, name)
)

_numbers = PerWorld(lambda: itertools.count(1))
_children: dict[Agent, Child] = {}


class ChildDied(BaseException):
    """Unwinds what a child was doing when it died."""


def present_child() -> Child:
    """The child whose code this is."""
    agent = current()
    assert agent is not None
    return _children[agent]


class Child:
    """One worker process, with as much of `multiprocessing.Process` as a pool needs.

    `method`: how real ones would start; `target`, `args`: what it runs; `ended`: called at its end.
    `task`: what it is busy with, None if nothing. `over`: it has ended.
    """

    daemon = False

    def __init__(
        self,
        method: str,
        target: Callable[..., object],
        args: tuple[Any, ...],
        ended: Callable[[], None],
    ) -> None:
        number = next(_numbers.here())
        parent: Any = multiprocessing.current_process()
        self.name = f"{_NAMES.get(method, 'Process')}-{number}"
        self.pid = self.ident = _FIRST_PID - 1 + number
        self.task: Any = None
        self.over = False
        self._identity = (*getattr(parent, "_identity", ()), number)
        self._config = getattr(parent, "_config", {})
        self._target = target
        self._args = args
        self._ended = ended
        self._dead = False
        self._agent: Agent | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=False)
        self._state = ModuleState(self._platform(parent))

    def __repr__(self) -> str:
        state = "started" if self.is_alive() else "stopped"
        return f"<{self.name.partition('-')[0]} name={self.name!r} pid={self.pid} {state}>"

    def start(self) -> None:
        """As stock."""
        self._thread.start()

    def join(self, timeout: float | None = None) -> None:
        """As stock."""
        self._thread.join(timeout)

    def is_alive(self) -> bool:
        """As stock."""
        return not (self._dead or self.over)

    def terminate(self) -> None:
        """Let it die, wherever it is."""
        if self._dead or self.over:
            return
        self._dead = True
        agent = self._agent
        if agent is not None:
            agent.baton.silence(agent)
            agent.error = ChildDied()
            agent.timed_out = True  # Else, once woken, it could be sent back to wait.
            agent.baton.wake(agent)

    kill = terminate

    def check(self) -> None:
        """Raise if it is dead: it does nothing any more."""
        if self._dead:
            raise ChildDied

    def _run(self) -> None:
        agent = current()
        assert agent is not None
        _children[agent] = self
        try:
            self.check()
            self._agent = agent
            agent.baton.set_apart(agent, self._state)
            self._target(*self._args)
        except (ChildDied, WorldEnded):
            pass
        except BaseException:  # noqa: BLE001  # stock processes end with a traceback, too
            print(f"Process {self.name}:", file=sys.stderr)  # noqa: T201
            traceback.print_exc()
        finally:
            self._agent = None
            agent.baton.bring_back(agent)
            del _children[agent]
            self.over = True
            self._ended()

    # What its code sees and does.

    def _platform(self, parent: Any) -> dict[Any, dict[str, Any]]:
        system = {
            "_exit": self.die,
            "abort": self.die,
            "getpid": lambda: self.pid,
            "getppid": os.getpid,
            "kill": functools.partial(self._kill, os.kill),
        }
        # By the second name these functions are known to pickle.
        modules = (os, sys.modules[os.name])
        return {
            multiprocessing.process: {"_current_process": self, "_parent_process": parent},
            **dict.fromkeys(modules, system),
        }

    def die(self, code: int = 0, /) -> None:
        """`os._exit`: its code goes no further."""
        del code
        self._dead = True
        raise ChildDied

    def _kill(self, others: Callable[[int, int], None], pid: int, number: int, /) -> None:
        if pid == self.pid and number in _DEADLY:
            self.die()
        others(pid, number)
