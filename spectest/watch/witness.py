"""The witness: gives names to what branches and services do, and says it to the trace.

It exists where oracles judge. Numbers are given here, in order of appearance in one execution,
because a pattern in production counts nothing that would outlive an invocation.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spectest.kernel.values import shown
from spectest.watch.observing import Looks

__all__ = ["Witness"]

ELSEWHERE = ", elsewhere"
"""Of an attempt: it does not run where it is told, but in another process."""

Emit = Callable[[str, str, str], object]
_KINDS = (
    "speculation",
    "attempt",
    "outcome",
    "decision",
    "cancel",
    "commit",
    "leave",
    "record",
)


class Witness:
    """`emit`: appends (kind, subject, detail) to the trace, in the name of whoever runs.

    `looks`: what is looked at after every step.
    """

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.looks = Looks()
        self._numbers: dict[tuple[str, str], Iterator[int]] = {}
        self._labels: dict[int, str] = {}
        self._kept: list[Any] = []
        self._answers: list[tuple[str, Any]] = []

    # Branches and speculations, as `spectest.patterns` and everybody who logs like it tells them.

    def hear(self, step: Mapping[str, Any]) -> None:
        """One step; what is not understood is not told."""
        kind = step.get("kind")
        if kind in _KINDS:
            getattr(self, f"_{kind}")(step)

    def _speculation(self, step: Mapping[str, Any]) -> None:
        label = self._named(step["speculation"], "speculation")
        self.emit("speculation", label, str(step.get("detail", "")))

    def _attempt(self, step: Mapping[str, Any]) -> None:
        label = self._named(step["attempt"], str(step["branch"]))
        elsewhere = ELSEWHERE if step.get("elsewhere") else ""
        self.emit("attempt", label, self._of(step) + elsewhere)

    def _outcome(self, step: Mapping[str, Any]) -> None:
        label = self._labels.get(id(step["attempt"]))
        if label is None and "branch" in step and step.get("speculation") is not None:
            self._attempt(step)  # One that was never launched: it begins and ends here.
            label = self._labels[id(step["attempt"])]
        if label is not None:
            detail = str(step["detail"])
            answered = detail in ("valid", "invalid") and "value" in step
            self.ends(label, detail, *([step["value"]] if answered else []))

    def _decision(self, step: Mapping[str, Any]) -> None:
        winner = self._labels.get(id(step.get("attempt")), "")
        self.emit("decision", self._named(step["speculation"], "speculation"), winner)

    def _cancel(self, step: Mapping[str, Any]) -> None:
        label = self._labels.get(id(step["attempt"]))
        if label is not None:
            self.emit("dismiss", label, "")

    def _commit(self, step: Mapping[str, Any]) -> None:
        label = self._labels.get(id(step["attempt"]), "")
        name = str(step.get("detail", ""))
        effect = step.get("effect")
        if effect is not None:
            name = self._labels.get(id(effect)) or self.count_of(name)
            self._labels[id(effect)] = name
            self._kept.append(effect)
        self.emit("commit", label, name)

    def _leave(self, step: Mapping[str, Any]) -> None:
        self.emit("leave", self._named(step["speculation"], "speculation"), "")

    def _record(self, step: Mapping[str, Any]) -> None:
        text = json.dumps(step["record"], sort_keys=True, default=str)
        self.emit("record", self._named(step["speculation"], "speculation"), text)

    def _of(self, step: Mapping[str, Any]) -> str:
        speculation = step.get("speculation")
        return "" if speculation is None else self._named(speculation, "speculation")

    def _named(self, thing: Any, name: str) -> str:
        return self.label_of(thing, name, "told")

    # Names.

    def numbered(self, family: str, name: str) -> str:
        """The next label for something of this name: "queue", then "queue (2)"."""
        numbers = self._numbers.setdefault((family, name), itertools.count(1))
        number = next(numbers)
        return name if number == 1 else f"{name} ({number})"

    def label_of(self, thing: Any, name: str, family: str = "watched") -> str:
        """The label of `thing`, given when it is first asked for."""
        label = self._labels.get(id(thing))
        if label is None:
            label = self._labels[id(thing)] = self.numbered(family, name)
            self._kept.append(thing)  # As long as it lives, nothing else has its id.
        return label

    def count_of(self, label: str) -> str:
        """The next call of a watched object: "queue#1", "queue#2"."""
        calls = self._numbers.setdefault(("call", label), itertools.count(1))
        return f"{label}#{next(calls)}"

    # Attempts by label, services' calls among them.

    def begins(self, label: str, detail: str = "") -> None:
        """An attempt begins."""
        self.emit("attempt", label, detail)

    def ends(self, label: str, detail: str, *value: Any) -> None:
        """An attempt is over; `value`: its answer, if it has one."""
        for one in value:
            self._answers.append((label, one))
            detail = f"{detail} {shown(one)}"
        self.emit("outcome", label, detail)

    def returned(self, result: Any) -> tuple[str, str]:
        """Whose answer the program returned, and what that is."""
        same = [label for label, answer in self._answers if answer is result]
        alike = same or [label for label, answer in self._answers if _equal(answer, result)]
        return ", ".join(dict.fromkeys(alike)), shown(result)


def _equal(one: Any, other: Any) -> bool:
    try:
        return type(one) is type(other) and bool(one == other)
    except Exception:  # noqa: BLE001  # a comparison of the user's may raise anything
        return False
