"""Does a model say what the code does? Request by request, and if not, which mistake explains it.

The code is a callable: it runs `n` requests of the scenario with the draws of a seed, and says what
became of each. Nothing is averaged, and nothing is within a tolerance.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from simulators import provenance
from simulators.chances import checked_count
from simulators.check.diagnosis import Diagnosis, diagnose
from simulators.check.logs import log_of, side_by_side
from simulators.check.semantics import AS_SAID, Semantics, run
from simulators.check.views import View, view_of
from simulators.errors import ScenarioError
from simulators.results import Difference, Requests
from simulators.scenario import Scenario
from simulators.ticks import as_ticks, in_seconds, in_ticks

__all__ = ["Code", "Report", "code"]

Code: TypeAlias = Callable[[Scenario, int, int], Requests]


@dataclass(frozen=True)
class Report:
    """Whether model and code agree about `n` requests of each of `seeds`.

    `difference`: the first request of the first seed about which they do not, the code's value
    first; `seed`: which one that is; `logs`: what happened to that request, in the model and in the
    code; `explanation`: which mistake makes the model do what the code does. All of them are None
    if there is no difference. `stopped`: how the code failed to answer more requests than these, if
    it was asked for more. `view`: what of the code can be seen, and was compared. `provenance`: of
    that, for each seed.
    """

    n: int
    seeds: tuple[int, ...]
    provenance: tuple[provenance.Provenance, ...]
    view: View
    seed: int | None = None
    difference: Difference | None = None
    logs: tuple[tuple[str, ...], tuple[str, ...]] | None = None
    explanation: Diagnosis | None = None
    stopped: str | None = None

    @property
    def agrees(self) -> bool:
        """Whether model and code are equal in every bit."""
        return self.difference is None and self.stopped is None

    def __str__(self) -> str:
        seeds = ", ".join(map(str, self.seeds))
        compared = f"{self.n} requests of seed{'s' if len(self.seeds) > 1 else ''} {seeds}"
        if self.difference is None or self.logs is None:
            lines = [f"model and code agree: {compared}, equal in every bit"]
        else:
            code, model = self.difference.values
            where = f"{self.difference.column} of request {self.difference.request}"
            lines = [
                f"model and code disagree: {compared}",
                f"the first difference, of seed {self.seed}, is in {where}:",
                f"  {model} in the model",
                f"  {code} in the code",
                *side_by_side(*self.logs),
                str(self.explanation),
            ]
        if self.stopped is not None:
            lines.insert(0, f"the code does not answer more requests: {self.stopped}")
        if seen := str(self.view):
            lines.append(f"({seen})")
        return "\n".join([*lines, str(self.provenance[0])])

    def to_data(self) -> dict[str, Any]:
        """What JSON can say."""
        data: dict[str, Any] = {"agrees": self.agrees, "n": self.n, "seeds": list(self.seeds)}
        if self.difference is not None and self.logs is not None:
            code, model = self.difference.values
            data["difference"] = {
                "seed": self.seed,
                "request": self.difference.request,
                "column": self.difference.column,
                "model": _plain(model),
                "code": _plain(code),
            }
            data["logs"] = dict(zip(("model", "code"), map(list, self.logs), strict=True))
        data["stopped"] = self.stopped
        data["seen"] = dataclasses.asdict(self.view)
        if self.explanation is not None:
            data["explanation"] = self.explanation.to_data()
        data["provenance"] = [one.to_data() for one in self.provenance]
        return data


def code(
    scenario: Scenario,
    code: Code,
    n: int = 1000,
    seeds: Sequence[int] = (0, 1),
    *,
    ticks: bool = True,
    effort: int = 200_000,
) -> Report:
    """Compare what `code(scenario, n, seed)` returns with the model, for each seed.

    `ticks`: the code's clock counts whole nanoseconds, as that of `simulators.live` does, and so
    does the model's; otherwise both calculate in float seconds, and agree if they add the same
    numbers in the same order.

    Where they differ, variants of the model are simulated until one does exactly what the code
    does; `effort` is about how many requests may be simulated for that. Code that gets stuck, for
    it has leaked all of its slots, say, is compared as far as it goes. `ScenarioError` if `n` or
    `seeds` are none, `ValueError` if the code returns other requests than it was asked for.
    """
    checked_count(scenario, n)
    if not seeds:
        raise ScenarioError("seeds", list(seeds), "compares nothing", "use [0, 1]")
    observed, stopped = _observed(scenario, code, n, seeds, ticks=ticks)
    model = _Model(scenario, ticks=ticks, view=view_of(scenario, observed))
    model.said = max(_readings(scenario), key=lambda said: model.agreement(observed[0], said))
    report = Report(
        n=len(observed[0]),
        seeds=tuple(seeds),
        provenance=tuple(_made(scenario, one) for one in observed),
        view=model.view,
        stopped=stopped,
    )
    for one in observed:
        if (difference := model.difference(one)) is not None:
            return dataclasses.replace(
                report,
                seed=one.seed,
                difference=difference,
                logs=model.logs(one, difference.request),
                explanation=diagnose(
                    scenario, observed, model.view, model.said, effort, ticks=ticks
                ),
            )
    return report


def _observed(
    scenario: Scenario, code: Code, n: int, seeds: Sequence[int], *, ticks: bool
) -> tuple[list[Requests], str | None]:
    """What the code does with `n` requests, or with half as many as often as it is stuck."""
    stopped = None
    while True:
        try:
            results = [_asked(code(scenario, n, seed), n, seed) for seed in seeds]
        except ScenarioError as error:
            if n == 1 or not error.why.startswith("never answers"):
                raise
            n, stopped = n // 2, str(error)
        else:
            if ticks:
                results = [in_seconds(as_ticks(one), scenario) for one in results]
            return results, stopped


def _asked(result: Requests, n: int, seed: int) -> Requests:
    if (len(result), result.seed) != (n, seed):
        given = f"{len(result)} requests of seed {result.seed}"
        raise ValueError(f"the code returned {given}; it was asked for {n} of seed {seed}")
    return result


def _made(scenario: Scenario, observed: Requests) -> provenance.Provenance:
    engines = f"fast, {observed.engine}"
    return provenance.of(scenario, engines, observed.seed, len(observed))


def _plain(value: Any) -> Any:
    """A number, or a row of them, in which JSON can say what there is not."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return None if value != value else value  # noqa: PLR0124 - NaN


def _readings(scenario: Scenario) -> list[Semantics]:
    """Who waits for a permit may be seen, or only who has one."""
    if scenario.limiter.kind != "queue":
        return [AS_SAID]
    return [AS_SAID, Semantics(hidden_permits=True)]


class _Model:
    """What the scenario says, as far as it could be seen of code."""

    def __init__(self, scenario: Scenario, *, ticks: bool, view: View) -> None:
        self.scenario, self.ticks, self.view = scenario, ticks, view
        self.said = AS_SAID

    def difference(self, observed: Requests) -> Difference | None:
        """The first request about which it does not say what was observed."""
        return self.view.of(observed).difference(self.view.of(self._run(observed)))

    def agreement(self, observed: Requests, said: Semantics) -> int:
        """About how many requests it agrees if it says this."""
        self.said = said
        found = self.difference(observed)
        return len(observed) if found is None else found.request

    def logs(self, observed: Requests, request: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Of a request, in the model and in the code; from its events, if the code wrote any."""
        told = any(event.request == request for event in observed.events)
        model = self._run(observed, trace=told)
        one, other = (log_of(requests, request, told=told) for requests in (model, observed))
        return tuple(one), tuple(other)

    def _run(self, observed: Requests, *, trace: bool = False) -> Requests:
        n, seed = len(observed), observed.seed
        if not self.ticks:
            return run(self.scenario, self.said, n, seed, trace=trace)
        ticked = in_ticks(self.scenario, n, seed)
        return in_seconds(run(ticked, self.said, n, seed, trace=trace), self.scenario)
