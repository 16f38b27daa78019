"""Races without queueing, by survival functions: who has answered when, and who still works.

A race is two functions. `open(t)`: the probability that there is no answer t seconds after the
request. `alone(i, y)`: the probability that branch i is launched and that the others have not
decided the race y seconds after its launch; whether its own service is over by then is independent
of that. From these two follow latency, winners, launches, work and cost. An answer at the very
moment of a hedge delay comes before it, and one at the moment of a timeout too.

The survival of a delayed hedge, S1(t) S2(t-d), is that of J. Dean, L. A. Barroso, The Tail at
Scale, CACM 56(2), 2013; of work under cancellation, that of G. Joshi, E. Soljanin, G. Wornell, ACM
TOMPECS 2(2), 2017.
"""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Callable, Sequence
from functools import cached_property

from simulators.exact import normal
from simulators.exact.attempts import Attempted, average
from simulators.exact.order_statistics import some_of
from simulators.exact.quadrature import integral, quantile_of, tail_integral

__all__ = ["Alternating", "Copula", "Eager", "Failing", "OneByOne", "Race", "Staggered"]

_TIED = 1e-6
"""How seldom two answers come at one moment where they never do, but for rounding."""


class Race:
    """What all races have in common; the branches are numbered from 0, as they are launched."""

    formula = ""
    precision = 1e-13

    def __init__(self, attempts: Sequence[Attempted], starts: Sequence[float]) -> None:
        self.attempts = tuple(attempts)
        self.starts = tuple(starts)

    def open(self, t: float) -> float:
        """The probability that nobody has answered by `t`."""
        raise NotImplementedError

    def alone(self, index: int, y: float) -> float:
        """The probability that this branch was launched, and not decided against by `y` after."""
        raise NotImplementedError

    def won(self, index: int, function: Callable[[float], float]) -> float:
        """The mean of `function` of this branch's service, over the races that it wins."""
        own = self.attempts[index]
        return own.valid * average(
            own.law, lambda y: function(y) * self.alone(index, y), own.timeout, self.precision
        )

    def wins(self, index: int) -> float:
        """The probability that the answer is that of this branch."""
        return self.won(index, lambda _: 1.0)

    def useful(self) -> float:
        """Mean seconds of service that led to the answer, for each request."""
        places = range(len(self.attempts))
        if sum(bool(one.breaks) for one in self.attempts) > 1:
            known = math.fsum(self.wins(index) for index in places) + self.unanswered
            if known < 1 - _TIED:
                raise NotImplementedError("two answers at one moment have no winner in a formula")
        return math.fsum(self.won(index, lambda y: y) for index in places)

    def active(self, index: int, y: float) -> float:
        """The probability that this branch was launched and not cut short by `y` after."""
        own = self.attempts[index]
        if y >= own.timeout + own.lingers:
            return 0.0
        return self.alone(index, max(y - own.lingers, 0.0))

    def busy(self, index: int, y: float) -> float:
        """The probability that this branch holds its server `y` seconds after its launch."""
        return self.active(index, y) * self.attempts[index].law.sf(y)

    def launched(self, index: int) -> float:
        """The probability that this branch is launched."""
        return self.alone(index, 0.0)

    @cached_property
    def unanswered(self) -> float:
        """The probability that there is never an answer."""
        return max(self.open(math.inf), 0.0)

    def survival(self, t: float) -> float:
        """Of the requests that are answered, how many are not by `t`."""
        return max(self.open(t) - self.unanswered, 0.0) / (1 - self.unanswered)

    def quantile(self, p: float) -> float:
        """Seconds within which so many of the answered requests are answered."""
        return quantile_of(self.survival, p, 0.0, self.scale)

    @cached_property
    def mean(self) -> float:
        """Mean seconds until the answer, of the requests that are answered."""
        return tail_integral(self.survival, 0.0, self.scale, self.breaks, self.precision)

    def work(self, index: int) -> float:
        """Mean seconds for which this branch holds a server, for each request."""
        marks = self._marks(index)
        scale = self.attempts[index].scale
        return tail_integral(lambda y: self.busy(index, y), 0.0, scale, marks, self.precision)

    def share(self, index: int) -> float:
        """The mean part of its service that this branch does, for each request."""
        attempt = self.attempts[index]
        if attempt.law.support[1] == 0:
            return self.launched(index)
        marks = self._marks(index)
        known = [(0.0, 0.0)]

        def part(service: float) -> float:
            """Its share for a service of so many seconds, continued from the next shorter one."""
            if service <= 0:
                return self.launched(index)
            place = bisect.bisect(known, (service, math.inf))
            begin, done = known[place - 1]
            done += integral(lambda y: self.active(index, y), begin, service, marks, 1e-13)
            known.insert(place, (service, done))
            return done / service

        return average(attempt.law, part, within=1e-10)

    @cached_property
    def scale(self) -> float:
        """A usual length, for a search to begin with."""
        return min(attempt.scale for attempt in self.attempts)

    @cached_property
    def breaks(self) -> frozenset[float]:
        """Where `open` jumps or has a kink."""
        pairs = zip(self.starts, self.attempts, strict=True)
        return frozenset(start + mark for start, one in pairs for mark in one.breaks)

    def _marks(self, index: int) -> list[float]:
        """Where `busy` does."""
        own = self.attempts[index]
        later = {0.0, own.lingers} if math.isfinite(own.lingers) else {0.0}
        seen = {place + more for place in self.breaks for more in later}
        seen |= {place - start for place in seen for start in self.starts}
        return sorted(mark for mark in seen | own.breaks | later if mark > 0)


class Eager(Race):
    """All at once. The winner is the first valid one, or, with a `window`, known so much later.

    Order statistics of independent, defective times.
    """

    formula = "order statistics of first valid answers"

    def __init__(self, attempts: Sequence[Attempted], window: float = 0.0) -> None:
        super().__init__(attempts, [0.0] * len(attempts))
        self.window = window

    def open(self, t: float) -> float:
        nobody = math.prod(one.open(t - self.window) for one in self.attempts)
        if not self.window:
            return nobody
        late = [one.open(t - self.window) - one.running(t) for one in self.attempts]
        vain = math.prod(one.in_vain(t) for one in self.attempts)
        return nobody - math.prod(late) + vain

    def alone(self, index: int, y: float) -> float:
        others = (one for place, one in enumerate(self.attempts) if place != index)
        return math.prod(one.open(y - self.window) for one in others) if y > 0 else 1.0

    def won(self, index: int, function: Callable[[float], float]) -> float:
        if self.window:
            raise NotImplementedError("who wins within a window depends on all latencies")
        return super().won(index, function)

    def useful(self) -> float:
        if self.window or self.unanswered == 1:
            return super().useful()
        return (1 - self.unanswered) * self.mean  # whoever wins has worked since the arrival

    @cached_property
    def breaks(self) -> frozenset[float]:
        seen = frozenset(mark for one in self.attempts for mark in one.breaks)
        return seen | {mark + self.window for mark in seen}


class Alternating(Race):
    """All at once, for a decision that looks at the ranking: the best valid one, when it is known.

    With `wait_for_all`, when all have ended. Without, when all that are ranked above the winner
    have; the ranking is equally likely to be any.
    """

    formula = "products of end times, averaged over rankings"

    def __init__(self, attempts: Sequence[Attempted], *, wait_for_all: bool) -> None:
        super().__init__(attempts, [0.0] * len(attempts))
        self.wait_for_all = wait_for_all

    def open(self, t: float) -> float:
        if self.wait_for_all:
            running = some_of([one.running(t) for one in self.attempts])
            return running + math.prod(one.in_vain(t) for one in self.attempts)
        orders = list(itertools.permutations(self.attempts))
        return math.fsum(_undecided(order, t) for order in orders) / len(orders)

    def alone(self, index: int, y: float) -> float:
        if self.wait_for_all or y <= 0:
            return 1.0
        orders = list(itertools.permutations(range(len(self.attempts))))
        above = ([self.attempts[one] for one in order[: order.index(index)]] for order in orders)
        return math.fsum(_undecided(order, y) for order in above) / len(orders)

    def won(self, index: int, function: Callable[[float], float]) -> float:
        raise NotImplementedError("the winner follows from the ranking, not from latencies alone")


class Staggered(Race):
    """One each `delay` seconds, until one has answered; none ends in vain."""

    formula = "survival of a delayed hedge"

    def __init__(self, attempts: Sequence[Attempted], delay: float) -> None:
        super().__init__(attempts, [index * delay for index in range(len(attempts))])

    def open(self, t: float) -> float:
        pairs = zip(self.starts, self.attempts, strict=True)
        return math.prod(one.open(t - start) for start, one in pairs)

    def alone(self, index: int, y: float) -> float:
        when = self.starts[index] + y
        pairs = enumerate(zip(self.starts, self.attempts, strict=True))
        return math.prod(one.open(when - begin) for place, (begin, one) in pairs if place != index)


class Failing(Race):
    """A primary, and a backup after `delay` seconds, or at once when the primary ended in vain."""

    formula = "survival of a delayed hedge, conditioned on the end of its primary"
    precision = 1e-11

    def __init__(self, primary: Attempted, backup: Attempted, delay: float) -> None:
        super().__init__((primary, backup), (0.0, delay))
        self.delay = delay

    def open(self, t: float) -> float:
        first, second = self.attempts
        kinks = [t - mark for mark in second.breaks]
        at_once = _after_vain(first, min(t, self.delay), lambda u: second.open(t - u), kinks)
        if t < self.delay:
            return at_once + first.running(t)
        return at_once + self._unfinished(t) * second.open(t - self.delay)

    def alone(self, index: int, y: float) -> float:
        first, second = self.attempts
        if index == 0:
            return second.open(y - self.delay)
        return first.in_vain(self.delay) + self._unfinished(self.delay + y)

    def _unfinished(self, t: float) -> float:
        """The primary runs at the delay, and has not answered by `t`, which is not before it."""
        first = self.attempts[0]
        return first.open(t) - first.in_vain(self.delay)

    @cached_property
    def breaks(self) -> frozenset[float]:
        first, second = self.attempts
        starts = {0.0, self.delay, min(first.timeout, self.delay)}
        starts |= {mark for mark in first.breaks if mark < self.delay}  # Then it may end in vain.
        kinks = {start + mark for start in starts for mark in second.breaks}
        return frozenset(kinks | first.breaks | starts)


class OneByOne(Race):
    """The next when one has ended in vain: no race at all, and the control group of every other."""

    formula = "convolution of attempts one after the other"

    def __init__(self, attempts: Sequence[Attempted]) -> None:
        super().__init__(attempts, [0.0] * len(attempts))
        vain = [one.in_vain(math.inf) for one in attempts]
        self._reached = [math.prod(vain[:index]) for index in range(len(attempts))]
        self._never = math.prod(vain)

    def open(self, t: float) -> float:
        return _open_in_turn(self.attempts, t)

    def alone(self, index: int, y: float) -> float:
        return self._reached[index] if y >= 0 else 0.0

    @cached_property
    def unanswered(self) -> float:
        return self._never

    @cached_property
    def mean(self) -> float:
        spent, total = 0.0, 0.0
        for reached, one in zip(self._reached, self.attempts, strict=True):
            late = one.timeout * one.law.sf(one.timeout) if math.isfinite(one.timeout) else 0.0
            within = one.mean_until(one.timeout) - late
            vain = one.in_vain(math.inf)
            valid = 1 - vain
            total += reached * (spent * valid + one.valid * within)
            if not vain:
                break
            spent += ((1 - one.valid) * within + late) / vain
        return total / (1 - self.unanswered)


class Copula(Race):
    """Two branches that never fail, the second after `delay`, with normal scores so correlated."""

    formula = "survival of a delayed hedge under a Gaussian copula"
    precision = 1e-12

    def __init__(self, pair: Sequence[Attempted], delay: float, correlation: float) -> None:
        super().__init__(pair, (0.0, delay))
        self.correlation = correlation

    def open(self, t: float) -> float:
        return self._both(t, t - self.starts[1])

    def busy(self, index: int, y: float) -> float:
        cut = max(y - self.attempts[index].lingers, 0.0)
        if index == 0:
            return self._both(y, cut - self.starts[1])
        return self._both(self.starts[1] + cut, y)

    def launched(self, index: int) -> float:
        return self.attempts[0].law.sf(self.starts[1]) if index else 1.0

    def share(self, index: int) -> float:
        raise NotImplementedError("what is done of a service depends on how long it takes")

    def won(self, index: int, function: Callable[[float], float]) -> float:
        raise NotImplementedError("who wins depends on how long the other one takes")

    def _both(self, one: float, other: float) -> float:
        first, second = self.attempts
        scores = normal.score(first.open(one)), normal.score(second.open(other))
        return normal.both_above(*scores, self.correlation)


def _undecided(order: Sequence[Attempted], t: float) -> float:
    """The probability that no valid one has ended by `t` with all that are ranked above it."""
    undecided, vain = 0.0, 1.0
    for one in order:
        undecided += vain * one.running(t)
        vain *= one.in_vain(t)
    return undecided + vain


def _open_in_turn(attempts: Sequence[Attempted], t: float) -> float:
    one, rest = attempts[0], attempts[1:]
    if not rest or t < 0:
        return one.open(t)
    kinks = [t - mark for mark in rest[0].breaks]
    after = _after_vain(one, t, lambda u: _open_in_turn(rest, t - u), kinks)
    return one.running(t) + after


def _after_vain(
    one: Attempted, t: float, function: Callable[[float], float], kinks: Sequence[float]
) -> float:
    """The mean of `function` of the moment at which an attempt ended in vain, if it did by `t`."""
    total = 0.0
    if one.valid < 1:
        total = (1 - one.valid) * average(one.law, function, min(t, one.timeout), 1e-13, kinks)
    if t >= one.timeout and math.isfinite(one.timeout):
        total += one.law.sf(one.timeout) * function(one.timeout)
    return total
