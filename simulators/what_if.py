"""What a scenario's requests take and cost, beside those of its control and the exact answer.

A number alone says little. So there is no asking for one: whoever asks for a measure gets its
interval, the same without speculation on the same draws, the paired difference, and what a formula
says, or why none does.

    found = what_if.ask(files.read("hedged.toml"), n=20_000)
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulators import checks, provenance
from simulators.errors import ScenarioError
from simulators.exact import NotApplicable, Solution, solve
from simulators.provenance import Provenance
from simulators.scenario import Closed, Scenario, Trace

if TYPE_CHECKING:
    from simulators.estimators import Estimate
    from simulators.results import Requests

__all__ = ["ENGINES", "Row", "Simulate", "WhatIf", "ask", "simulate_by", "unit_of"]

Simulate = Callable[[Scenario, int], "Requests"]
"""Makes this number of requests of a scenario."""

ENGINES = {"fast": 100_000, "events": 20_000}
"""The engines that simulate, and how many requests of each make a table, if nobody says."""

_MOST = 10_000_000
_FEW_UNANSWERED = 0.001
_WARM_UP = 0.1
_METHOD = "inverted_cdf"
_UNASKED = NotApplicable("nobody has asked for a formula")
_CLOSED = (
    "users who wait for answers ask again the sooner, so control is not asked at the same moments"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measure: what it is, what it is without speculation, and how far these are apart.

    `estimate` is of the scenario, `control` of its control. `difference` is the one minus the
    other, request by request, and `saved` that as a share of control; `times` is by what factor
    pairing has reduced the variance of the difference. None where there is no control. `exact` is
    what the formula says; None where `why` says why it does not.
    """

    measure: str
    estimate: Estimate
    control: Estimate | None
    difference: Estimate | None
    saved: Estimate | None
    times: float | None
    exact: float | None
    why: str | None

    @property
    def unit(self) -> str:
        """What it is counted in."""
        return unit_of(self.measure)


@dataclass(frozen=True)
class WhatIf:
    """All that is known of a scenario, by `rows` of measures.

    `exact` is the formula's answer and `exact_control` that to the control. `requests` and
    `requests_of_control` are what the numbers are from, without the first `cut` to arrive; None for
    the engine `exact`. `precise` says whether the precision that was asked for was reached, None if
    none was. `method` names the kind of percentile. `notes` are what a reader should know besides.
    """

    scenario: Scenario
    control: Scenario
    rows: Sequence[Row]
    exact: Solution | NotApplicable
    exact_control: Solution | NotApplicable
    provenance: Provenance
    level: float = 0.95
    cut: int = 0
    precise: bool | None = None
    method: str = _METHOD
    notes: Sequence[str] = ()
    requests: Requests | None = field(default=None, repr=False)
    requests_of_control: Requests | None = field(default=None, repr=False)

    def __getitem__(self, measure: str) -> Row:
        for row in self.rows:
            if row.measure == measure:
                return row
        raise KeyError(measure)


def unit_of(measure: str) -> str:
    """What a measure is counted in: seconds, a share of 1, or nothing."""
    if measure.partition(":")[0] in ("unanswered", "utilisation"):
        return "share"
    return "" if measure in ("cost", "launches", "drops") else "s"


def ask(
    scenario: Scenario,
    engine: str = "fast",
    n: int | None = None,
    seed: int = 0,
    *,
    precision: tuple[str, float] | None = None,
    measures: Sequence[str] = (),
    simulate: Simulate | None = None,
    formulas: bool = True,
) -> WhatIf:
    """Ask `engine`, "exact" or one of `ENGINES`, with `n` requests.

    `precision`: a measure and a share; the number of requests doubles, up to `n`, until half the
    interval is at most this share of the value. `measures`: some, in place of all. `simulate`: an
    engine of one's own, under the name `engine`. `formulas`: whether the exact answer is wanted
    beside it, which takes its time where latencies are many measured values.

    `ScenarioError` if the engine cannot answer or a measure is not known.
    """
    names = _measures(scenario, measures)
    control, notes = _control(scenario)
    if engine == "exact":
        return _exactly(scenario, control, names, seed, notes)
    simulate = simulate or simulate_by(engine, seed)
    count = _count(scenario, engine, n, sequential=precision is not None)
    if precision is None:
        whole, precise = simulate(scenario, count), None
    else:
        whole, precise = _until(simulate, scenario, count, precision)
    theirs = simulate(control, len(whole))
    exact = (solve(scenario), solve(control)) if formulas else (_UNASKED, _UNASKED)
    return _compared(whole, theirs, names, precise, notes, exact)


def simulate_by(engine: str, seed: int) -> Simulate:
    """An engine of `ENGINES`, with this seed."""
    checks.one_of("engine", engine, ENGINES)
    if engine == "events":
        from simulators import events

        return lambda scenario, n: events.run(scenario, n, seed)
    from simulators import fast

    return lambda scenario, n: fast.run(scenario, n, seed)


def _measures(scenario: Scenario, asked: Sequence[str]) -> Sequence[str]:
    """Those that are asked for; or all, and the only pool not twice."""
    from simulators.estimators.measures import MEASURES, check_measures

    check_measures(scenario, asked)
    pools = [f"utilisation:{pool.name}" for pool in scenario.pools]
    shared = ["utilisation", *pools] if len(pools) > 1 else ["utilisation"] * len(pools)
    return list(dict.fromkeys(asked)) or [*MEASURES, *shared]


def _control(scenario: Scenario) -> tuple[Scenario, list[str]]:
    """The control, even where it has more work than its servers can do."""
    from simulators.estimators import control_of

    try:
        return control_of(scenario), []
    except ScenarioError as error:
        relaxed = dataclasses.replace(scenario, overload="allowed")
        note = f"without speculation it collapses: {error.field} is {error.value}"
        return control_of(relaxed), [f"{note}, so what control takes grows with n"]


def _count(scenario: Scenario, engine: str, n: int | None, *, sequential: bool) -> int:
    if n is not None:
        return checks.count("n", n, "number of requests")
    most = _MOST if sequential else ENGINES.get(engine, min(ENGINES.values()))
    arrivals = scenario.arrivals
    return min(most, len(arrivals.times)) if isinstance(arrivals, Trace) else most


def _until(
    simulate: Simulate, scenario: Scenario, most: int, precision: tuple[str, float]
) -> tuple[Requests, bool]:
    from simulators.estimators import until
    from simulators.estimators.measures import check_measures

    measure, relative = precision
    check_measures(scenario, [measure])
    if not 0 < relative < 1:
        why, remedy = "is no share of a value", "use a number between 0 and 1, such as 0.05"
        raise ScenarioError("precision", relative, why, remedy)
    looks: list[Requests] = []

    def look(n: int) -> Requests:
        looks[:] = [simulate(scenario, n)]
        return looks[0]

    first = min(10_000, most)
    stopped = until(look, measure, relative, first=first, most=most, warm_up=_WARM_UP)
    return looks[0], stopped.precise


def _compared(
    whole: Requests,
    theirs: Requests,
    names: Sequence[str],
    precise: bool | None,
    notes: list[str],
    exact: tuple[Solution | NotApplicable, Solution | NotApplicable],
) -> WhatIf:
    from simulators.estimators import compare, cut, estimate

    scenario, control = whole.scenario, theirs.scenario
    first = int(_WARM_UP * len(whole)) if scenario.shares or control.shares else 0
    ours, theirs = cut(whole, first), cut(theirs, first)
    pairs = compare(ours, theirs, measures=names)
    rows = []
    for name in names:
        pair = pairs[name]
        found, of_control = estimate(ours, name), estimate(theirs, name)
        known = _known(exact[0], name)
        rows.append(Row(name, found, of_control, pair.difference, pair.saved, pair.times, *known))
    if isinstance(scenario.arrivals, Closed):
        notes.append(_CLOSED)
    notes += [*_overtaxed(ours, ""), *_overtaxed(theirs, "without speculation ")]
    notes += _without_answer(ours, theirs)
    return WhatIf(
        scenario,
        control,
        rows,
        *exact,
        provenance.of_requests(whole),
        cut=first,
        precise=precise,
        notes=notes,
        requests=ours,
        requests_of_control=theirs,
    )


def _without_answer(ours: Requests, theirs: Requests) -> list[str]:
    """That latencies are not those of all requests, where that may change a percentile."""
    lost, of_control = (1 - float(one.answered.mean()) for one in (ours, theirs))
    if max(lost, of_control) < _FEW_UNANSWERED:
        return []
    share = f"{lost:.2%} of requests got no answer, and {of_control:.2%} without speculation"
    return [f"{share}; latencies are of the others, while a verdict counts these as endless"]


def _overtaxed(requests: Requests, where: str) -> list[str]:
    """That there is no steady state, if requests brought more work than the servers could do."""
    from simulators.estimators.measures import statistic

    notes = []
    for pool in requests.scenario.pools:
        work = statistic(requests, f"utilisation:{pool.name}").value
        if work >= 1:
            told = f"{where}pool {pool.name!r} was brought {work:.3g} times the work it can do"
            notes.append(f"{told}: there is no steady state, and latencies grow with n")
    return notes


def _exactly(
    scenario: Scenario, control: Scenario, names: Sequence[str], seed: int, notes: list[str]
) -> WhatIf:
    solution, of_control = solve(scenario), solve(control)
    if isinstance(solution, NotApplicable):
        why = f"does not answer this scenario: {solution.reason}"
        raise ScenarioError("engine", "exact", why, "use 'fast' or 'events'")
    rows = [_exact_row(name, solution, of_control) for name in names]
    made = provenance.of(scenario, "exact", seed, 0)
    return WhatIf(scenario, control, rows, solution, of_control, made, notes=notes)


def _exact_row(name: str, solution: Solution, of_control: Solution | NotApplicable) -> Row:
    ours, why = _known(solution, name)
    theirs, _ = _known(of_control, name)
    found = _sure(ours, why)
    if theirs is None:
        return Row(name, found, None, None, None, None, ours, why)
    apart = None if ours is None else ours - theirs
    saved = None if apart is None or theirs == 0 else -apart / theirs
    return Row(name, found, _sure(theirs), _sure(apart), _sure(saved), None, ours, why)


def _sure(value: float | None, why: str | None = None) -> Estimate:
    """A number that is not estimated."""
    from simulators.estimators import Estimate

    if value is None:
        return Estimate(math.nan, None, None, 1.0, 0, None, "formula", why or "there is none")
    return Estimate(value, value, value, 1.0, 0, None, "formula")


def _known(solution: Solution | NotApplicable, measure: str) -> tuple[float | None, str | None]:
    if isinstance(solution, NotApplicable):
        return None, solution.reason
    if measure in solution.measures:
        return solution.measures[measure], None
    return None, solution.missing.get(measure, f"{solution.formula} does not give it")
