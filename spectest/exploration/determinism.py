"""Is the program the same program twice? Run 0 is executed again, and compared event by event."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from spectest.errors import NondeterminismError
from spectest.exploration.execution import Outcome
from spectest.kernel.trace import Trace

__all__ = ["difference", "irreproducible", "same"]

_KEPT_STATE = (
    "A third execution was like the second, so something survives an execution: a module global, a "
    "cache, a fixture or an object made outside the test. Create it inside, or reset it."
)
_CHANCE = (
    "Every execution was different, so the program draws from a source that spectest does not own: "
    "time.clock_gettime, a file, a generator made before the run, a C extension, an id(), or the "
    "order of a set of its own objects. Pass the value in, or seed it."
)


def same(first: Outcome, second: Outcome) -> bool:
    """Whether two recorded executions are the same: outcome and fingerprint."""
    assert first.trace is not None
    assert second.trace is not None
    return (
        first.signature == second.signature and first.trace.fingerprint == second.trace.fingerprint
    )


def difference(
    first: Outcome, second: Outcome, again: Callable[[], Outcome]
) -> NondeterminismError | None:
    """The error that names the first differing event and the likely source, None if the same."""
    if same(first, second):
        return None
    assert first.trace is not None
    assert second.trace is not None
    index, was, became = _first_difference(first.trace, second.trace)
    likely = _KEPT_STATE if same(second, again()) else _CHANCE
    return NondeterminismError(
        "the program is not the same program twice: two executions of one plan differ.\n"
        f"  first:  {was or _ended(first)}\n"
        f"  second: {became or _ended(second)}\n{likely}",
        index=index,
        first=was,
        second=became,
    )


def _first_difference(first: Trace, second: Trace) -> tuple[int, str | None, str | None]:
    index = 0
    for index, (one, other) in enumerate(zip_longest(first, second)):
        if one is None or other is None or one.key != other.key:
            return index, _text(one), _text(other)
    return index, None, None


def _text(event: object) -> str | None:
    if event is None:
        return None
    where = getattr(event, "where", None)
    return f"{event} ({where.file}:{where.line})" if where else str(event)


def _ended(outcome: Outcome) -> str:
    return "ended" if outcome.error is None else f"ended with {outcome.error!r}"


def irreproducible(found: Outcome, again: Outcome) -> NondeterminismError:
    """The error about a failure whose exact repetition was another execution."""
    return NondeterminismError(
        "an execution failed and its exact repetition did not fail the same way.\n"
        f"  first:  {found.error!r}\n"
        f"  second: {again.error!r}\n"
        "Something survives an execution or is drawn from a source that spectest does not own: a "
        "module global, a cache, a fixture, an id(), the order of a set of own objects, a file.",
        index=0,
        first=repr(found.error),
        second=repr(again.error),
    )
