"""Agents: the threads of a world, as the baton sees them."""

from __future__ import annotations

import _thread
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from spectest.ambient import Sources
from spectest.kernel.operations import Kind, Operation
from spectest.kernel.scheduler import Scheduler
from spectest.kernel.turns import Runner
from spectest.threads.carriers import Carrier

__all__ = [
    "AWAY",
    "BLOCKED",
    "ENDED",
    "RUNNABLE",
    "RUNNING",
    "STALLED",
    "Agent",
    "Loop",
    "Scene",
    "Stage",
    "WorldEnded",
    "current",
    "present",
]

RUNNING, RUNNABLE, BLOCKED, STALLED, AWAY, ENDED = (
    "running",
    "runnable",
    "blocked",
    "stalled",
    "away",
    "ended",
)

_allocate_lock = _thread.allocate_lock
_get_ident = _thread.get_ident
present: dict[int, Agent] = {}
"""The agent that each real thread is, by its identifier; others are not part of any world."""


class WorldEnded(BaseException):
    """Unwinds a thread that is still there when its world ends."""


class Loop(Protocol):
    """What the threads need of an event loop that polls."""

    def busy(self) -> bool: ...
    def arriving(self) -> Sequence[Any]: ...
    def nothing_happens(self, stage: Any) -> None: ...
    def describe_blocked(self) -> list[str]: ...


class Scene(Protocol):
    """What only one thread sees, as long as it runs."""

    def enter(self) -> None: ...
    def leave(self) -> None: ...


class Stage(Protocol):
    """What locks, queues, clocks and loops need of the threads of their world.

    `watchful`: it wants to know of each poll of a loop, even if there is no other thread.
    `records`: whether it writes down what happens.
    """

    agents: list[Agent]
    began_ns: int
    sources: Sources
    watchful: bool
    records: bool
    exact: tuple[str, ...]
    pools: Any
    scheduler: Scheduler

    def now_ns(self, agent: Agent) -> int: ...
    def point(self, agent: Agent) -> None: ...
    def look_in_vain(self, agent: Agent, weight: int = 1) -> None: ...
    def look_at_clock(self, agent: Agent) -> None: ...
    def wait(self, agent: Agent) -> bool: ...
    def rest(self, agent: Agent) -> None: ...
    def alarm(self, agent: Agent, name: str, seconds: float) -> None: ...
    def silence(self, agent: Agent) -> None: ...
    def sleep(self, agent: Agent, name: str, seconds: float, *, stretches: bool) -> None: ...
    def operate(
        self, agent: Agent, kind: Kind, name: str, interval_ns: tuple[int, int, int]
    ) -> None: ...
    def perform(
        self, agent: Agent, kind: Kind, label: str, interval_ns: tuple[int, int, int]
    ) -> None: ...
    def tell(self, kind: str, subject: str, agent: Agent, detail: str) -> None: ...
    def set_apart(self, agent: Agent, scene: Scene) -> None: ...
    def bring_back(self, agent: Agent) -> None: ...
    def wake(self, agent: Agent) -> None: ...
    def unwake(self, agent: Agent) -> bool: ...
    def polls(self, agent: Agent, loop: Loop) -> None: ...
    def polled(self, agent: Agent, arrived: Sequence[Any]) -> None: ...
    def deliver(self, batch: Sequence[Operation]) -> None: ...
    def arrived(self, agent: Agent, operation: Operation) -> None: ...
    def start(
        self, function: Callable[..., object], args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Agent: ...
    def failed(self, agent: Agent, error: BaseException) -> None: ...
    def next_hash(self, kind: str) -> int: ...
    def deadlock(self) -> BaseException: ...


class Agent(Runner):
    """One thread of a world.

    `gate`: a lock it stands at while it does not hold the baton. `state`: see the constants.
    `alarm`: the timer of its present wait; `timed_out`: that went off, and it has not gone on
    since. `looping`: the event loop in whose poll it waits. `loops`: how many it is inside of.
    `quiet`: it was let go because nothing can happen any more. `idle`: it waits for work, and
    nobody misses it. `doomed`: the world ends, and so must it. `on_end`: called at its end.
    `slice`: choice points since it last gave way. `vain`: how often it looked for something in vain
    at the instant `vain_at_ns`, or, once doomed, how often it went on nevertheless; `nap_s`: how
    long it slept when that was too often. `expired_ns`: when the last timeout of a lock was over.
    `cause`: the event of the trace by which whatever it does is caused.
    """

    __slots__ = (
        "alarm",
        "baton",
        "carrier",
        "cause",
        "daemon",
        "doomed",
        "error",
        "expired_ns",
        "from_library",
        "gate",
        "ident",
        "idle",
        "looping",
        "loops",
        "nap_s",
        "number",
        "on_end",
        "quiet",
        "slice",
        "state",
        "thread",
        "timed_out",
        "vain",
        "vain_at_ns",
    )

    def __init__(self, baton: Stage, name: str, number: int, carrier: Carrier | None) -> None:
        super().__init__(name, -2 - number)
        self.baton = baton
        self.number = number
        self.carrier = carrier
        self.gate = _allocate_lock() if carrier is None else carrier.gate
        if carrier is None:
            self.gate.acquire()
        self.ident = _get_ident() if carrier is None else carrier.ident
        self.thread: Any = None
        self.daemon = False
        self.idle = False
        self.from_library = False
        self.state = RUNNING if carrier is None else RUNNABLE
        self.alarm: Operation | None = None
        self.timed_out = False
        self.looping: Loop | None = None
        self.quiet = False
        self.doomed = False
        self.error: BaseException | None = None
        self.expired_ns = -1
        self.slice = 0
        self.vain = 0
        self.vain_at_ns = -1
        self.nap_s = 0.0005
        self.cause = -1
        self.loops = 0
        self.on_end: list[Callable[[], None]] = []

    def __repr__(self) -> str:
        return f"<{self.name}, {self.state}>"

    def arrive(self, operation: Operation) -> None:
        """What it started has completed: its alarm, its sleep, or its stall."""
        self.baton.arrived(self, operation)


def current() -> Agent | None:
    """The agent whose code this is, None outside of every world."""
    return present.get(_get_ident())
