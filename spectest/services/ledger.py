"""What a service was asked, what came of it, and what it wrote: the evidence of a test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Call", "Effect", "Ledger"]

Outcome = Literal["open", "answered", "raised", "cancelled"]


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that a call wrote.

    `what`: as the service's `effect` returned it. `call`: by which attempt, "llm#2". `at`: when, in
    seconds of the world. `after_cancel`: the caller had given the call up by then. `partial`: the
    connection broke right after. `repeated`: the request was delivered a second time.
    """

    what: Any
    call: str
    at: float
    after_cancel: bool = False
    partial: bool = False
    repeated: bool = False


@dataclass(slots=True)
class Call:
    """One call of a service.

    `name`: of the attempt, "llm#2" is the second call of the service `llm` in its world.
    `number`: from 1. `args`, `kwargs`: the request. `fault`: what hit it, in words, or "".
    `began`, `ended`: when the caller made the call and left it, answered or not; `worked_from`,
    `worked_until`: when the service began and finished or stopped. All in seconds of the world;
    None: not yet. `outcome`: for the caller. `finished`: the service worked it off, whoever waited.
    `answer`: what it answered, if it did. `valid`: what the service's `valid` says of the answer,
    None if there is none. `cost`: what it is billed. `error`: what its effect raised, if it did;
    the caller gets that, if it still waits.
    """

    name: str
    number: int
    args: tuple[Any, ...] = field(default=(), repr=False)
    kwargs: Mapping[str, Any] = field(default_factory=dict, repr=False)
    fault: str = ""
    began: float = 0.0
    ended: float | None = None
    worked_from: float | None = None
    worked_until: float | None = None
    outcome: Outcome = "open"
    finished: bool = False
    answer: Any = field(default=None, repr=False)
    valid: bool | None = None
    cost: float = 0.0
    error: BaseException | None = None

    @property
    def dead(self) -> bool:
        """The caller has left it, and the service has not: a dead handle."""
        return self.outcome == "cancelled" and (
            self.worked_until is None or (self.ended is not None and self.worked_until > self.ended)
        )


@dataclass(slots=True, repr=False)
class Ledger:
    """The calls and effects of one service in one world, in order.

    `service`: its name. `refused`: how many calls found no free connection, or a full queue.
    """

    service: str
    calls: list[Call] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    refused: int = 0

    def __repr__(self) -> str:
        return f"Ledger({len(self.calls)} calls, {len(self.effects)} effects)"

    def __iter__(self) -> Iterator[Call]:
        return iter(self.calls)

    def __len__(self) -> int:
        return len(self.calls)

    @property
    def late_effects(self) -> list[Effect]:
        """What was written after the caller had given the call up."""
        return [effect for effect in self.effects if effect.after_cancel]

    @property
    def dead(self) -> list[Call]:
        """Calls on which the service went on working after their callers had left."""
        return [call for call in self.calls if call.dead]

    @property
    def cost(self) -> float:
        """What all calls are billed."""
        return sum(call.cost for call in self.calls)

    @property
    def wasted(self) -> float:
        """What those calls are billed that nobody got an answer from."""
        return sum(call.cost for call in self.calls if call.outcome != "answered")
