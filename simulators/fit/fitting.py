"""A scenario from the observations of a log, with an account of what became of them.

Where all branches of a request ended, its times are a row, and rows keep what branches have in
common. Where some were cut off there are no whole rows: then each branch has its own estimate, and
the scenario says that they are independent, which the account repeats.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators import checks
from simulators.arrivals import Arrivals, Poisson, Trace
from simulators.errors import ScenarioError
from simulators.fit.account import Account, BranchAccount
from simulators.fit.measured import OBSERVED, Measured, measured
from simulators.fit.observations import Observations
from simulators.fit.pairing import rows_of
from simulators.forms import fields_of
from simulators.scenario import Branch, Scenario
from spectest.latency import Empirical, PairedRows
from spectest.patterns.policies import Policy

__all__ = ["Fitted", "fit"]


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """A scenario, and what became of the log that it was made of."""

    scenario: Scenario
    account: Account


def fit(
    observations: Observations,
    policy: Policy | None = None,
    *,
    model: str | Mapping[str, str] | None = None,
    dependence: Any = None,
    arrivals: Arrivals | str | None = None,
    timeouts: Mapping[str, float | None] | None = None,
    upto: float = 0.99,
    most: int = 100_000,
    branches: Mapping[str, Mapping[str, Any]] | None = None,
    **fields: Any,
) -> Fitted:
    """The scenario of a log.

    `policy`: whom to launch and when; None: what the records say. `model`: None for the latencies
    as measured, or a name from `models.MODELS`, for all branches or by branch. `dependence`:
    "paired" or "independent", one of `spectest.latency`, or None: paired where rows are whole.
    `arrivals`: "trace" for the moments of the log, "poisson" for a process of the same rate, one of
    `simulators.arrivals`, or None. `timeouts`: by branch, in seconds or None, where the log is not
    to be asked. `upto`: the quantile up to which a latency has to be known. `most`: of more rows or
    values, so many are kept. `branches`: by branch, further fields such as {"pool": "gpu"}.
    `fields`: those of `Scenario`, such as order and pools; only branches in `order` are fitted.

    `ScenarioError` where the log does not say enough, or the scenario makes no sense.
    """
    names = _names(observations, fields)
    chosen = _known("timeouts", timeouts, observations.branches)
    known = [measured(observations, name, chosen.get(name, OBSERVED)) for name in names]
    notes = [*observations.notes, *(note for one in known for note in one.notes)]
    by_branch = _models(model, names)
    checks.probability("upto", upto)
    checks.count("most", most, "number of rows")
    rows, told = rows_of(observations, known, dependence, by_branch, most)
    notes += told
    given = _known("branches", branches, names)
    parts, accounts = [], []
    for place, one in enumerate(known):
        away = usual = None
        if rows is not None:
            latency: Any = Empirical(rows[:, place].tolist())
        elif one.name in by_branch:
            latency, away, usual = one.model(by_branch[one.name])
        else:
            latency, told = one.latency(upto, most)
            notes += told
        accounts.append(one.account(by_branch.get(one.name, "as measured"), away, usual))
        parts.append(_branch(observations, one, latency, given.get(one.name, {})))
    if rows is not None:
        dependence = PairedRows([dict(zip(names, row, strict=True)) for row in rows.tolist()])
    if dependence not in (None, "independent"):
        fields["dependence"] = dependence
    if observations.decision is not None:
        fields.setdefault("decision", observations.decision)
    arriving, told = _arrivals(observations, arrivals)
    notes += told
    scenario = Scenario(parts, _policy(observations, policy), arrivals=arriving, **fields)
    return Fitted(scenario, _account(observations, accounts, notes))


def _names(log: Observations, fields: Mapping[str, Any]) -> list[str]:
    known = [one for one in fields_of(Scenario) if one not in ("branches", "policy", "arrivals")]
    for field, value in fields.items():
        if field not in known:
            raise ScenarioError(field, value, "is no field", checks.nearest(field, known))
    names = list(fields.get("order") or log.branches)
    for name in names:
        if name not in log.branches:
            remedy = checks.nearest(str(name), log.branches)
            raise ScenarioError("order", name, "is no branch of the log", remedy)
    return names


def _known(field: str, given: Mapping[str, Any] | None, names: Sequence[str]) -> dict[str, Any]:
    for name, value in (given or {}).items():
        if name not in names:
            remedy = checks.nearest(str(name), names)
            raise ScenarioError(f"{field}[{name!r}]", value, "is of no branch of the log", remedy)
    return dict(given or {})


def _models(model: Any, names: Sequence[str]) -> dict[str, str]:
    if isinstance(model, Mapping):
        return _known("model", model, names)
    return {} if model is None else dict.fromkeys(names, model)


def _policy(log: Observations, policy: Policy | None) -> Policy:
    found = log.policy if policy is None else policy
    if found is None:
        raise ScenarioError(
            "policy", None, "is not in the log", "use one such as policy=Hedge(0.05)"
        )
    return found


def _branch(log: Observations, one: Measured, latency: Any, given: Mapping[str, Any]) -> Branch:
    for field, value in given.items():
        if field not in fields_of(Branch) or field == "name":
            remedy = checks.nearest(field, fields_of(Branch)[1:])
            raise ScenarioError(f"branches[{one.name!r}].{field}", value, "is no field", remedy)
    effects = dict(log.cancel)
    effect = {"cancel": effects[one.name]} if one.name in effects else {}
    return one.branch(latency, **{**effect, **given})


def _arrivals(log: Observations, arrivals: Any) -> tuple[Any, list[str]]:
    if not isinstance(arrivals, str):
        unused = arrivals is None and not np.isnan(log.start).all()
        note = "the log tells when requests arrived, and that is not used: ask for trace or poisson"
        return arrivals, [note] if unused else []
    checks.one_of("arrivals", arrivals, ("trace", "poisson"))
    start = np.sort(log.start[~np.isnan(log.start)])
    if len(start) < 2 or start[-1] == start[0]:
        remedy = "use start='the column of moments' when it is read, or Poisson(rate=...)"
        raise ScenarioError(
            "arrivals", arrivals, "is not in the log, which tells no moments", remedy
        )
    notes = []
    if log.dropped:
        notes.append("requests that were dropped, or never logged, are missing from the arrivals")
    if arrivals == "trace":
        return Trace((start - start[0]).tolist()), notes
    gaps = np.diff(start)
    varying = f"{float(gaps.std() / gaps.mean()):.2f}"
    notes.append(
        f"gaps between arrivals have the coefficient of variation {varying}; Poisson has 1"
    )
    return Poisson(1 / float(gaps.mean())), notes


def _account(log: Observations, branches: Sequence[BranchAccount], notes: Sequence[str]) -> Account:
    return Account(
        log.source,
        log.format,
        log.read,
        log.used,
        log.requests,
        log.dropped,
        tuple(branches),
        tuple(notes),
    )
