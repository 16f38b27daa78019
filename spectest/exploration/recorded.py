"""A record from production, run again: its latencies become holds, and its fields are compared.

The record says when each branch was launched and how long it took. On virtual time each branch's
last operation is held so that the branch ends at that moment; then the program writes a record of
its own, which must say the same. Holds without which it still says the same did not matter.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from spectest import ambient
from spectest.errors import UsageError
from spectest.exploration.execution import Outcome, Program, execute
from spectest.exploration.recorded_branches import BranchHold, holds_of
from spectest.exploration.settings import Settings
from spectest.kernel import token
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.trace import Trace
from spectest.oracles import Speculation, Story, Verdict
from spectest.threads.patching import installed
from spectest.watch.steps import steps_logged

__all__ = ["Difference", "Replay", "replay_record"]

SAME = (
    "input_hash",
    "policy",
    "decision",
    "branch_names",
    "ranking",
    "branch_outcomes",
    "branch_validities",
    "winning_branch_index",
    "deterministic_tie_breaker_seed",
    "limiter",
    "committed",
)
"""Fields that must be equal, beside those of times, which may differ by the tolerance."""

TIMES = ("branch_launched_after_ms", "branch_latencies_ms", "decided_after_ms")
_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Difference:
    """A field in which the record of the replay differs; `field` has an index if it is a list."""

    field: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """What came of running a record again.

    `run_id`: of the record. `record`: what the program wrote this time. `differences`: empty if
    the two say the same. `compared`: how many fields were. `plan`: the holds that mattered, all of
    them if there are differences. `needless`: operations that were held in vain. `unreached`: what
    could not take as long as the record says, with the reason.
    """

    run_id: str
    record: Mapping[str, Any]
    differences: tuple[Difference, ...]
    compared: int
    plan: Plan
    needless: tuple[str, ...]
    unreached: tuple[str, ...]

    @property
    def token(self) -> str:
        """The replay token of `plan`."""
        return token.encode(self.plan)


@dataclass(frozen=True, slots=True)
class _Listener:
    """Finds nothing; it is there so that the branches are heard."""

    name: str = "replay-log"

    def judge(self, trace: Trace, reference: Trace | None) -> Iterable[Verdict]:  # noqa: ARG002
        return ()


def replay_record(
    program: Callable[..., Any],
    record: Mapping[str, Any],
    *,
    tolerance_ms: float = 5.0,
    **settings: Any,
) -> Replay:
    """Run `program` at the latencies of `record`, and compare what it records.

    `program` is called with the record if it needs an argument, and must speculate under its run
    ID, on the same inputs, which the record has only as a hash. `tolerance_ms`: by how much launch,
    latency and decision may differ, for production spends time between them. Settings as for
    `explore`. Raises `UsageError` if the program writes no record of this run ID, or on other
    inputs.
    """
    chosen = Settings.of(settings)
    chosen = chosen.changed(oracles=(*chosen.oracles, _Listener()))
    with ambient.lent(), installed(), steps_logged():
        return _Replayer(program, record, chosen, tolerance_ms).replay()


class _Replayer:
    def __init__(
        self, program: Program, record: Mapping[str, Any], settings: Settings, tolerance_ms: float
    ) -> None:
        self._program = program
        self._record = record
        self._limits = settings.limits
        self._plan = Plan(order=settings.order, seed=settings.seed)
        self._tolerance_ms = tolerance_ms

    def replay(self) -> Replay:
        holds: dict[str, BranchHold] = {}
        for _ in range(len(self._record["branch_names"]) + 2):
            story, speculation = self._run(holds)
            wanted = holds_of(story, speculation, self._record)
            if wanted == holds:
                break
            holds = wanted
        story, speculation = self._run(holds)
        again = _record_of(speculation)
        differences = self._differences(again)
        kept = holds if differences else self._shrunk(holds)
        return Replay(
            str(self._record["run_id"]),
            again,
            differences,
            len(SAME) + len(TIMES),
            self._planned(kept),
            tuple(name for name in holds if name not in kept),
            tuple(hold.unreached for hold in holds.values() if hold.unreached),
        )

    def _planned(self, holds: Mapping[str, BranchHold]) -> Plan:
        return replace(self._plan, holds={name: Hold(it.by_ns) for name, it in holds.items()})

    def _run(self, holds: Mapping[str, BranchHold]) -> tuple[Story, Speculation]:
        outcome = execute(self._program, self._planned(holds), self._limits, record=True)
        assert outcome.trace is not None
        story = Story(outcome.trace)
        return story, self._speculation(story, outcome)

    def _speculation(self, story: Story, outcome: Outcome) -> Speculation:
        asked = self._record["run_id"]
        records = [(it, _record_of(it)) for it in story.speculations if it.records]
        for speculation, said in records:
            if said.get("run_id") == asked:
                self._check_inputs(said)
                return speculation
        if outcome.error is not None:
            error = outcome.error
            raise UsageError(
                f"the program raised {type(error).__name__}: {error}\n"
                "before there was a record of run "
                f"{asked}; run it by itself to see where."
            ) from error
        seen = ", ".join(str(said.get("run_id")) for _, said in records) or "none at all"
        raise UsageError(
            f"the program wrote no record of run {asked}, but {seen}.\n"
            "Let it take the record as its argument, and pass run_id=record['run_id'] to speculate."
        )

    def _check_inputs(self, said: Mapping[str, Any]) -> None:
        recorded, now = self._record["input_hash"], said["input_hash"]
        if recorded != now:
            raise UsageError(
                f"run {self._record['run_id']} had other inputs: their hash is {recorded}, and "
                f"{now} now.\nA record has no inputs; find them by that hash where you keep them."
            )

    # What is the same.

    def _differences(self, said: Mapping[str, Any]) -> tuple[Difference, ...]:
        found: list[Difference] = []
        for name in SAME:
            found += _unequal(name, self._record[name], said.get(name), _equal)
        near = partial(_near, tolerance_ms=self._tolerance_ms)
        for name in TIMES:
            found += _unequal(name, self._ended(self._record, name), self._ended(said, name), near)
        return tuple(found)

    def _ended(self, record: Mapping[str, Any], name: str) -> Any:
        """The field; of latencies only those of branches that were not asked to go."""
        times = record.get(name)
        if name != "branch_latencies_ms" or not isinstance(times, list | tuple):
            return times
        outcomes = record["branch_outcomes"]
        cut = ("cancelled", "running")
        return [None if how in cut else ms for ms, how in zip(times, outcomes, strict=False)]

    def _tells_the_same(self, holds: Mapping[str, BranchHold]) -> bool:
        said = _record_of(self._run(holds)[1])
        return all(_equal(self._record[name], said.get(name)) for name in SAME)

    def _shrunk(self, holds: Mapping[str, BranchHold]) -> dict[str, BranchHold]:
        """Those without which the record would say something else, each as short as it may be."""
        kept = dict(holds)
        for name in list(kept):
            fewer = {other: hold for other, hold in kept.items() if other != name}
            if self._tells_the_same(fewer):
                kept = fewer
        for name in list(kept):
            kept[name] = self._shortest(name, kept)
        return kept

    def _shortest(self, name: str, kept: Mapping[str, BranchHold]) -> BranchHold:
        """In whole milliseconds, by bisection."""
        hold = kept[name]
        sign = -1 if hold.by_ns < 0 else 1
        low, high = 0, abs(hold.by_ns) // _MS + 1
        while high - low > 1:
            middle = (low + high) // 2
            if self._tells_the_same({**kept, name: hold.of(sign * middle * _MS)}):
                high = middle
            else:
                low = middle
        shorter = hold.of(sign * high * _MS)
        fits = high * _MS < abs(hold.by_ns) and self._tells_the_same({**kept, name: shorter})
        return shorter if fits else hold


def _record_of(speculation: Speculation) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(speculation.records[-1].detail)
    return record


def _unequal(
    name: str, recorded: Any, replayed: Any, equal: Callable[[Any, Any], bool]
) -> list[Difference]:
    both = isinstance(recorded, list | tuple) and isinstance(replayed, list | tuple)
    if both and len(recorded) == len(replayed):
        pairs = enumerate(zip(recorded, replayed, strict=True))
        return [Difference(f"{name}[{i}]", a, b) for i, (a, b) in pairs if not equal(a, b)]
    return [] if equal(recorded, replayed) else [Difference(name, recorded, replayed)]


def _equal(recorded: Any, replayed: Any) -> bool:
    return bool(json.dumps(recorded, sort_keys=True) == json.dumps(replayed, sort_keys=True))


def _near(recorded: Any, replayed: Any, *, tolerance_ms: float) -> bool:
    if recorded is None or replayed is None:
        return recorded is replayed
    return bool(abs(recorded - replayed) <= tolerance_ms)
