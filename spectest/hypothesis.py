"""Strategies for Hypothesis: inputs and timings are drawn, and shrink, together.

    @given(plan=plans(), services=branches(["llm", "rules"]))
    def test_it(plan, services):
        spectest.run(lambda: pipeline(services), plan=plan)

A test that is marked for exploration needs none of `plans()`: there, every example of Hypothesis is
searched by itself.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import settings as Settings  # noqa: N812  # a class, and named like one here
from hypothesis import stateful
from hypothesis import strategies as st

from spectest.errors import UsageError
from spectest.exploration.search import run
from spectest.faults import (
    Duplicate,
    Fault,
    FaultPlan,
    Hang,
    Raise,
    RateLimit,
    Reset,
    SlowStart,
)
from spectest.kernel.plan import OrderModel, check_order
from spectest.latency import Constant, Exponential, Latency, LogNormal, Uniform
from spectest.services.service import FakeService
from spectest.strategies.drawn import Departure, DrawnPlan

__all__ = ["branches", "fault_plans", "latencies", "plans", "run_state_machine", "services"]

_MILLISECONDS = 1_000


def plans(
    *, horizon: int = 40, most: int = 4, order: OrderModel = "ties"
) -> st.SearchStrategy[DrawnPlan]:
    """What deviates from stock order, for `spectest.run(program, plan=...)`.

    Shrinks to nothing: fewer departures, earlier ones, shorter holds. `horizon`: among how many
    choice points they are; a program that has fewer simply does not come to the others. `most`: how
    many there are at most.
    """
    for name, value in (("horizon", horizon), ("most", most)):
        if type(value) is not int or value < 1:
            raise UsageError(f"plans: {name}={value!r} must be a whole number, 1 or more")
    model = check_order(order)
    departures = st.builds(
        Departure,
        st.integers(0, horizon - 1),
        st.integers(1, 4),
        st.integers(0, horizon),
    )
    lists = st.lists(departures, max_size=most, unique_by=lambda it: it.at)
    return st.builds(DrawnPlan, departures=lists, order=st.just(model))


def latencies(*, shortest: float = 0.001, longest: float = 1.0) -> st.SearchStrategy[Latency]:
    """Latencies whose usual length is between `shortest` and `longest` seconds.

    Shrinks to a short constant of whole milliseconds, where there is one.
    """
    if not 0 <= shortest <= longest:
        raise UsageError(
            f"latencies: shortest={shortest!r}, longest={longest!r} must be seconds, in this order"
        )
    low, high = round(shortest * _MILLISECONDS), round(longest * _MILLISECONDS)
    seconds = st.integers(low, high).map(lambda ms: ms / _MILLISECONDS)
    positive = st.integers(max(low, 1), max(high, 1)).map(lambda ms: ms / _MILLISECONDS)
    pairs = st.tuples(seconds, seconds).map(sorted)
    return st.one_of(
        seconds.map(Constant),
        pairs.map(lambda pair: Uniform(*pair)),
        positive.map(Exponential),
        st.tuples(positive, st.sampled_from([2, 5, 10])).map(
            lambda it: LogNormal.from_percentiles(p50=it[0], p99=it[0] * it[1])
        ),
    )


def services(
    name: str,
    *,
    latency: st.SearchStrategy[Any] | None = None,
    **options: Any,
) -> st.SearchStrategy[FakeService]:
    """A `FakeService` called `name`. `latency`: draws what it takes as one; any by default.

    `options`: its other arguments; one that is a strategy is drawn.
    """
    drawn: dict[str, st.SearchStrategy[Any]]
    drawn = {"latency": latencies() if latency is None else latency}
    drawn |= {
        key: value if isinstance(value, st.SearchStrategy) else st.just(value)
        for key, value in options.items()
    }
    return st.fixed_dictionaries(drawn).map(lambda them: FakeService(name, **them))


def branches(
    names: Sequence[str],
    *,
    least: int = 1,
    most: int | None = None,
    latency: st.SearchStrategy[Any] | None = None,
    **options: Any,
) -> st.SearchStrategy[list[FakeService]]:
    """Some of the services `names`, in this order: the branches of a pipeline.

    Shrinks to fewer, `least` of them. The rest as for `services`.
    """
    known = list(names)
    if len(set(known)) < len(known) or not 0 <= least <= len(known):
        raise UsageError(
            f"branches: names={known!r} must be different, and at least least={least!r} of them"
        )
    # One yes or no for each name: a list of unique names hardly shrinks from its middle.
    chosen = st.tuples(*(st.booleans() for _ in known)).filter(
        lambda taken: least <= sum(taken) <= (len(known) if most is None else most)
    )
    return chosen.flatmap(
        lambda taken: st.tuples(
            *(
                services(name, latency=latency, **options)
                for name, there in zip(known, taken, strict=True)
                if there
            )
        ).map(list)
    )


def fault_plans(
    names: Sequence[str] = ("*",),
    *,
    kinds: Sequence[Callable[..., Fault]] | None = None,
    most: int = 2,
) -> st.SearchStrategy[FaultPlan]:
    """Faults for `faults=`, each of which may fire once. Shrinks to none.

    `names`: the services that they may hit. `kinds`: functions that make a fault `on=` a name.
    `most`: how many there are at most.
    """
    makers = _KINDS if kinds is None else tuple(kinds)
    faults = st.builds(lambda make, name: make(on=name), st.sampled_from(makers), _one_of(names))
    return st.lists(faults, max_size=most).map(lambda them: FaultPlan(*them))


def _one_of(names: Sequence[str]) -> st.SearchStrategy[str]:
    if not names:
        raise UsageError("fault_plans: names=() must be the names of services, or '*'")
    return st.sampled_from(list(names))


def _raise(on: str) -> Fault:
    return Raise(ConnectionError, on=on)


def _slow(on: str) -> Fault:
    return SlowStart(1.0, on=on)


_KINDS: tuple[Callable[..., Fault], ...] = (_raise, Hang, Reset, _slow, RateLimit, Duplicate)


# Stateful tests.


def run_state_machine(
    machine: type[stateful.RuleBasedStateMachine],
    *,
    plan: st.SearchStrategy[DrawnPlan] | None = None,
    settings: Settings | None = None,
    **rules: Any,
) -> None:
    """Run a `RuleBasedStateMachine` as a test, each of its test cases in one world.

    From its `__init__` to its `teardown` a machine is on virtual time, and so is what its rules do:
    threads, pools, an `asyncio.Runner` that is made in `__init__`. The timing is drawn with the
    steps, and shrinks with them.

    `plan`: draws the timing; `plans()` unless given. `settings`: Hypothesis' own; those of
    `machine.TestCase.settings` by default, without its deadline, which would count virtual time.
    `rules`: keywords of `spectest.run`. Raises what the smallest failing test case does.
    """
    drawn = plans() if plan is None else plan
    chosen = machine.TestCase.settings if settings is None else settings
    test: Any = stateful.get_state_machine_test(machine, settings=Settings(chosen, deadline=None))
    inner = test.hypothesis.inner_test

    @functools.wraps(inner)
    def in_a_world(data: st.DataObject) -> None:
        run(functools.partial(inner, data), plan=data.draw(drawn, label="plan"), **rules)

    test.hypothesis.inner_test = in_a_world
    test()
