"""Toy programs: chains of events that never block, and trees of questions."""

from collections.abc import Callable, Mapping

from spectest.strategies.base import Profile, Strategy

Schedule = tuple[int, ...]


def profile_of(chains: Mapping[int, int]) -> Profile:
    return Profile(contested=sum(chains.values()), chains=chains)


def schedule(strategy: Strategy, chains: Mapping[int, int], execution: int) -> Schedule:
    """Who went first, step by step, when each chain has so many events and all may go at once."""
    strategy.begin(execution, profile_of(chains))
    left, order, asked = dict(chains), [], 0
    while waiting := [chain for chain, count in left.items() if count]:
        answer = 0
        if len(waiting) > 1:
            answer = strategy.choose(len(waiting), "next", waiting)
            asked += 1
        order.append(waiting[answer])
        left[waiting[answer]] -= 1
    strategy.end(asked)
    return tuple(order)


def answers(
    strategy: Strategy, size: Callable[[tuple[int, ...]], int], execution: int
) -> tuple[int, ...]:
    """The answers along one path of a tree in which `size(answers so far)` is the next question."""
    strategy.begin(execution, Profile())
    given: tuple[int, ...] = ()
    while (n := size(given)) > 0:
        answer = strategy.choose(n, "set", ())
        assert 0 <= answer < n
        given += (answer,)
    strategy.end(len(given))
    return given


def every_path(strategy: Strategy, size: Callable[[tuple[int, ...]], int]) -> list[tuple[int, ...]]:
    """The paths that an exhaustive strategy takes until it says that it is done."""
    paths: list[tuple[int, ...]] = []
    while not strategy.exhausted and len(paths) < 10_000:
        paths.append(answers(strategy, size, len(paths) + 1))
    return paths
