"""Linearizability: each call seems to happen at one moment between its beginning and its end.

Herlihy and Wing, "Linearizability: a correctness condition for concurrent objects", TOPLAS 12(3),
1990. The judge looks for an order of the calls that a sequential model explains: Wing and Gong,
"Testing and verifying concurrent objects", JPDC 17, 1993, in the form of Lowe, "Testing for
linearizability", CCPE 29(4), 2017: calls take effect no earlier than an answer needs them to
(just-in-time), and what leads to the same state by the same calls is looked at once. It reads the
history in order and keeps every possible state, so it stops at the shortest prefix that no order
explains.
"""

from __future__ import annotations

import copy
import inspect
from collections import OrderedDict, deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from spectest.errors import UsageError
from spectest.kernel.trace import Trace
from spectest.kernel.values import shown
from spectest.oracles.base import Verdict
from spectest.oracles.histories import Call, History, histories

__all__ = ["linearizable"]

_LIMIT = 100_000
_MOST_SHOWN = 12
_HEAP_TYPE = 1 << 9
_ATTRIBUTES = {"__dict__", "__weakref__"}
_ATOMS = (type(None), bool, int, float, str, bytes)


@dataclass(frozen=True)
class linearizable:  # noqa: N801  # called like a function, as all oracles are
    """The calls of the object `of`, watched by `watch.calls`, look as if made one at a time.

    `model`: a class, or a function without arguments, that makes a plain sequential object with the
    same methods. It says what is right: an exception is an answer, told by its type. Its methods
    are plain functions, even where the object's are coroutine functions. Where the object would
    wait, as `get` of an empty queue, the model raises whatever it likes: no answer is explained by
    that. Answers are compared as texts, so 1 and True differ.

    A call without an answer, or a cancelled one, may have happened at any time after its beginning,
    or not at all. Each object of the name is judged by itself. `limit`: how many calls of the model
    a history may cost; if that is not enough to decide, `UsageError` says so.
    """

    model: Callable[[], Any]
    of: str
    limit: int = _LIMIT

    def __post_init__(self) -> None:
        if not callable(self.model):
            raise UsageError(
                f"linearizable: model={self.model!r} must be a class, or a function without "
                "arguments that makes the model"
            )
        of: Any = self.of
        if not isinstance(of, str) or not of:
            raise UsageError(f"linearizable: of={self.of!r} must be the name of watched calls")

    @property
    def name(self) -> str:
        return f"linearizable({self.of})"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterator[Verdict]:
        """A verdict for each object whose history no order explains."""
        del reference
        for history in histories(trace, self.of):
            failure = _Check(self, history).failure()
            if failure is not None:
                yield self._verdict(history, *failure)

    def blind(self, trace: Trace) -> str:
        """Whether there is nothing to judge."""
        if next(histories(trace, self.of), None) is not None:
            return ""
        return (
            f"{self.name} saw no call: wrap the object, "
            f"watch.calls(it, name={self.of!r}, methods=(...))"
        )

    def _verdict(self, history: History, last: Call, possible: list[str]) -> Verdict:
        assert last.responded is not None
        end = last.responded.number
        calls = [call for call in history.calls if call.invoked.number < end]
        lines = [f"no order of the calls of {history.label} explains that {last} {last.answer}:"]
        if len(calls) > _MOST_SHOWN:
            lines.append(f"  ({len(calls) - _MOST_SHOWN} calls before)")
        lines += [_line(call, end) for call in calls[-_MOST_SHOWN:]]
        instead = " or ".join(possible) if possible else "answered nothing like it"
        lines.append(f"in every order of these, the model would have {instead}.")
        lines.append("Let each call read and write in one step, or hold a lock from first to last.")
        events = [event.number for event, call in history.events if event.number <= end]
        where = last.invoked.where
        return Verdict(self.name, "no order explains it", "\n".join(lines), where, tuple(events))


def _line(call: Call, end: int) -> str:
    began = f"{call.invoked.time_ns / 1e6:.3f}"
    ended, answer = "...", "(open)"
    if call.responded is not None and call.responded.number <= end:
        ended, answer = f"{call.responded.time_ns / 1e6:.3f}", call.answer
    who = f"  in {call.invoked.task}" if call.invoked.task else ""
    return f"  {began} to {ended} ms  {call} {answer}{who}"


@dataclass(frozen=True, eq=False)
class _Configuration:
    """A possible state of the model; `done`: open calls that took effect, and their answers."""

    model: Any
    done: Mapping[int, str] = field(default_factory=dict)


class _Check:
    def __init__(self, oracle: linearizable, history: History) -> None:
        self._oracle = oracle
        self._history = history
        self._spent = 0

    def failure(self) -> tuple[Call, list[str]] | None:
        """The first answer that no order explains, and what the model could have answered."""
        numbers = {id(call): number for number, call in enumerate(self._history.calls)}
        configurations = [_Configuration(self._oracle.model())]
        pending: dict[int, Call] = {}
        for event, call in self._history.events:
            number = numbers[id(call)]
            if event is call.invoked:
                pending[number] = call
                continue
            reached = list(self._until(configurations, pending, number))
            fit = [one for one in reached if one.done[number] == call.answer]
            if not fit:
                return call, sorted({one.done[number] for one in reached})
            del pending[number]
            configurations = _distinct(
                _Configuration(one.model, {k: v for k, v in one.done.items() if k != number})
                for one in fit
            )
        return None

    def _until(
        self, configurations: Iterable[_Configuration], pending: Mapping[int, Call], number: int
    ) -> Iterator[_Configuration]:
        """Those in which the call `number` took effect, others of `pending` before it as needed."""
        seen: set[Hashable] = set()
        left = list(configurations)
        while left:
            one = left.pop()
            key = _key(one)
            if key is not None and key in seen:
                continue
            seen.add(key)
            if number in one.done:
                yield one
                continue
            left += [
                self._after(one, other, call)
                for other, call in pending.items()
                if other not in one.done
            ]

    def _after(self, one: _Configuration, number: int, call: Call) -> _Configuration:
        """`call` takes effect."""
        self._spent += 1
        if self._spent > self._oracle.limit:
            raise UsageError(
                f"{self._oracle.name}: the history of {len(self._history.calls)} calls is too long "
                f"to decide within {self._oracle.limit:,} calls of the model.\n"
                "Make fewer calls at once, or raise limit=."
            )
        model = copy.deepcopy(one.model)
        return _Configuration(model, {**one.done, number: self._answer(model, call)})

    def _answer(self, model: Any, call: Call) -> str:
        method = getattr(model, call.method, None)
        if not callable(method):
            raise UsageError(
                f"{self._oracle.name}: the model {type(model).__name__} has no method "
                f"{call.method!r}, which the program has called"
            )
        try:
            # A model must not change what another order will be given.
            answer = method(*copy.deepcopy(call.args), **copy.deepcopy(call.kwargs))
        except Exception as error:  # noqa: BLE001  # an exception is an answer
            return f"raised {type(error).__name__}"
        if inspect.iscoroutine(answer):
            answer.close()
            raise UsageError(
                f"{self._oracle.name}: {type(model).__name__}.{call.method} is a coroutine "
                "function; the methods of a model are plain functions"
            )
        return f"returned {shown(answer)}"


def _distinct(configurations: Iterable[_Configuration]) -> list[_Configuration]:
    kept: dict[Hashable, _Configuration] = {}
    for one in configurations:
        key = _key(one)
        kept.setdefault(id(one) if key is None else key, one)
    return list(kept.values())


def _key(one: _Configuration) -> Hashable | None:
    """Equal only for configurations that go on alike; None where that cannot be known."""
    try:
        return frozenset(one.done.items()), _state(one.model)
    except (_OpaqueError, RecursionError):
        return None


class _OpaqueError(Exception):
    """The state of a model that is not made of plain values."""


def _state(value: Any) -> Hashable:
    kind = type(value)
    if kind in _ATOMS:
        return kind, repr(value)
    if kind in (list, tuple, deque):
        return kind, getattr(value, "maxlen", None), tuple(map(_state, value))
    if kind in (dict, OrderedDict):
        return kind, tuple((_state(k), _state(v)) for k, v in value.items())
    if kind in (set, frozenset):
        return kind, frozenset(map(_state, value))
    if _is_plain(value):
        return kind, _state(vars(value))
    raise _OpaqueError


def _is_plain(value: Any) -> bool:
    """Whether its attributes are all there is to it: no base but `object` is built in."""
    return hasattr(value, "__dict__") and all(map(_written_in_python, type(value).__mro__[:-1]))


def _written_in_python(kind: type) -> bool:
    """As far as one can tell; its instances keep nothing but attributes."""
    if not kind.__flags__ & _HEAP_TYPE or vars(kind).get("__slots__"):
        return False
    names = vars(kind)
    return kind.__base__ is not object or "__slots__" in names or names.keys() >= _ATTRIBUTES
