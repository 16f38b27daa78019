"""One execution, from a program and a plan to an `Outcome`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from spectest.errors import OracleViolation, SpectestError, UsageError, Violation
from spectest.eventloop.cancellations import Await
from spectest.exploration.marking import unmarked
from spectest.kernel.choices import FAULT, Chooser
from spectest.kernel.mentions import Mentions
from spectest.kernel.plan import OrderModel, Plan
from spectest.kernel.sampling import Sampler
from spectest.kernel.trace import Trace
from spectest.source.lines import raised_at
from spectest.threads.endings import DeadThread
from spectest.world import Limits, World

__all__ = [
    "Outcome",
    "Program",
    "check_meant_for",
    "check_program",
    "execute",
    "needed_parameters",
    "raised_at",
    "signature_of",
]

_FAULTS_TOO = "\nIf the search was given faults=..., a replay has to be given them, too."

Program = Callable[[], Any]
"""A coroutine function, or a function that does its own waiting; no arguments."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one execution ended.

    `error`: what the program raised or the promise it broke, or None.
    `plan`: the deviations that took effect.
    `order_model`: the weakest model that allows them.
    `trace`: None unless recorded. `virtual_ns`, `steps`, `contested`: how long it was in virtual
    time, in callbacks, and in questions to the chooser.
    `strangers`: what the plan deviates in, if the program met none of it.
    `dead_threads`: those that had ended with an exception when the program failed with another one.
    `misplaced_stall`: the plan has stalled a thread where a search never does.
    `mentions`: what settings mention by name, and whether the program came to it.
    `returned_ns`: when the program returned, in virtual time. `ledgers`: those of its services.
    `survived`: the cancellations of the plan after which their task did not end as cancelled.
    `awaits`: where tasks waited, if that was asked for.
    """

    error: BaseException | None
    result: Any
    plan: Plan
    order_model: OrderModel
    trace: Trace | None
    virtual_ns: int
    steps: int
    contested: int
    strangers: tuple[str, ...] = ()
    dead_threads: tuple[DeadThread, ...] = ()
    misplaced_stall: bool = False
    mentions: Mentions = field(default_factory=Mentions)
    returned_ns: int = 0
    ledgers: tuple[Any, ...] = ()
    survived: tuple[str, ...] = ()
    awaits: tuple[Await, ...] = ()

    @property
    def failed(self) -> bool:
        return self.error is not None

    @property
    def signature(self) -> tuple[object, ...]:
        """Equal for two failures that are the same bug: kind, line, and message up to values."""
        return () if self.error is None else signature_of(self.error)


def signature_of(error: BaseException) -> tuple[object, ...]:
    """See `Outcome.signature`."""
    if isinstance(error, OracleViolation):
        return (type(error).__name__, error.oracle, error.finding)
    if isinstance(error, Violation):
        return (type(error).__name__,)
    line = raised_at(error)
    message = re.split(r"[\d'\"\[{(<]", str(error), maxsplit=1)[0]
    return (type(error).__name__, line.file, line.line, message)


def execute(
    program: Program,
    plan: Plan,
    limits: Limits,
    *,
    chooser: Chooser | None = None,
    record: bool = False,
    sampler: Sampler | None = None,
    list_awaits: bool = False,
) -> Outcome:
    """Run `program` once. Failures are part of the outcome; misuse and interrupts are raised."""
    _check_callable(program)
    world = World(
        plan, chooser, limits=limits, record=record, sampler=sampler, list_awaits=list_awaits
    )
    error: BaseException | None = None
    result = None
    try:
        result = world.run(program)
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except SpectestError as raised:
        if isinstance(raised, UsageError):
            raise
        error = raised
    except BaseException as raised:
        error = raised
    return Outcome(
        error,
        result,
        world.plan,
        world.order_model,
        world.trace,
        world.ended_ns,
        world.steps,
        world.contested,
        world.strangers,
        world.dead_threads,
        world.threads is not None and world.threads.turns.misplaced,
        world.scheduler.mentions,
        world.returned_ns,
        tuple(world.scheduler.ledgers),
        world.survived,
        () if world.cancellations is None else tuple(world.cancellations.awaits),
    )


def check_meant_for(program_name: str, outcome: Outcome) -> None:
    """Raise `UsageError` if a replay did not fail because its plan is about another program."""
    if outcome.error is None and outcome.strangers:
        names = ", ".join(outcome.strangers[:3]) + (", ..." if len(outcome.strangers) > 3 else "")
        raise UsageError(
            f"the token is about {names}, which {program_name} never came to.\n"
            "It was made for another program, or this one has changed since. Explore it again."
            + _FAULTS_TOO
            * any(name.startswith(FAULT) for name in outcome.strangers)
        )


def check_program(program: Program) -> Program:
    """`program`, without the decorator of a test.

    `UsageError` if it is no function, or one that cannot do without arguments.
    """
    program = unmarked(program)
    _check_callable(program)
    needed = _arguments_of(program)
    if needed:
        name = getattr(program, "__name__", "")
        name = name if name.isidentifier() else "program"
        arguments = ", ".join(needed)
        raise UsageError(
            f"`{name}` takes arguments ({arguments}), and a program is called without any.\n"
            f"Wrap it: lambda: {name}({arguments})"
        )
    return program


def _check_callable(program: Program) -> None:
    if not callable(program):
        raise UsageError(_not_a_program(program))


def _arguments_of(program: Program) -> list[str]:
    """What `program` cannot be called without, as far as it tells."""
    try:
        # A wrapper is asked itself, for it may know the arguments of what it wraps.
        needed = needed_parameters(program, follow_wrapped=False)
    except (TypeError, ValueError):
        return []
    return [f"{it.name}=..." if it.kind == it.KEYWORD_ONLY else it.name for it in needed]


def needed_parameters(
    function: Callable[..., Any], *, follow_wrapped: bool = True
) -> list[inspect.Parameter]:
    """Those that have no default. Raises `TypeError` or `ValueError` where nothing is known."""
    return [
        it
        for it in inspect.signature(function, follow_wrapped=follow_wrapped).parameters.values()
        if it.default is it.empty and it.kind not in (it.VAR_POSITIONAL, it.VAR_KEYWORD)
    ]


def _not_a_program(thing: object) -> str:
    if inspect.iscoroutine(thing):
        thing.close()
        name = thing.__name__
        return f"the program is the coroutine {name}(); pass the function {name}, not called"
    return f"the program must be a function that takes no arguments, not {thing!r}"
