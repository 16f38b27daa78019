"""The scheduler decides what completes at each poll, and moves the clock.

Stock asyncio learns of the outside world in one place, where it polls its selector; so that is the
only place where this scheduler delivers anything.

* While callbacks are ready, time stands still. What is exactly due joins the poll; an operation
  whose interval contains the present may join it or miss it.
* When nothing is ready, the horizon is the earliest moment by which something *must* complete.
  Whatever may complete by then can be next: at its earliest moment, its nominal one, or just at the
  horizon, where it meets what made the horizon, before or after it.

Under a plan every operation has one fixed moment and nothing is asked. Under a chooser the moments
are decided here, at the last possible instant, because that is what makes coincidences ordinary;
what was decided is written down as holds, and a plan of these holds repeats the execution exactly.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from spectest.kernel.choices import Door
from spectest.kernel.clock import FOREVER_NS, VirtualClock
from spectest.kernel.mentions import Mentions
from spectest.kernel.operations import Kind, Operation
from spectest.kernel.plan import Hold, OrderModel
from spectest.kernel.sampling import Sampler
from spectest.kernel.sparse import Menu, around_deadlines
from spectest.kernel.timer_heap import TimerHeap

__all__ = ["Scheduler"]


class Scheduler:
    """Pending completions of one world.

    `elasticity`: by which part of its length an undeclared sleep may stretch (0.1: 10 %).
    `sampler`: draws the durations of declared operations, if they are not searched but sampled.
    `firing`: the faults of this execution, `ledgers`: what its services wrote down, `witness`: who
    is told what branches and services do, if somebody judges it; for whoever knows what they are.
    """

    def __init__(self, door: Door, clock: VirtualClock, *, elasticity: float = 0.0) -> None:
        self.door = door
        self.clock = clock
        self.order: OrderModel = door.plan.order
        self.needs: OrderModel = "strict"
        self.elasticity = 0.0 if self.order == "strict" else elasticity
        self._asking = door.chooser is not None
        self._menu = Menu() if getattr(door.chooser, "sparse", False) else None
        self._stock = not self._asking and not door.plan.holds
        self._heap = TimerHeap()
        # The heap of a run without deviations, for the order of equal deadlines in one with some.
        self._shadow = self._heap if self._stock else TimerHeap()
        self._left_shadow = 0
        self._elastic: dict[int, Operation] = {}
        self._started = 0
        self._names: dict[str, int] = {}
        self.mentions = Mentions()
        self.sampler: Sampler | None = None
        self.firing: Any = None
        self.ledgers: list[Any] = []
        self.witness: Any = None

    # What the platform tells the scheduler.

    def timer(self, name: str, due_ns: int, reading: int, chain: int, payload: Any) -> Operation:
        """Start a deadline of the program's own: exact."""
        return self._start("timer", name, (due_ns, due_ns, due_ns), reading, chain, payload)

    def sleep(self, name: str, due_ns: int, reading: int, chain: int, payload: Any) -> Operation:
        """Start an undeclared sleep: it may stretch by the elasticity, and never ends early."""
        length = due_ns - self.clock.now_ns
        latest = due_ns
        if length > 0 and due_ns < FOREVER_NS:
            latest += int(length * self.elasticity)
        return self._start("sleep", name, (due_ns, due_ns, latest), reading, chain, payload)

    def operation(
        self,
        kind: Kind,
        name: str,
        interval_ns: tuple[int, int, int],
        chain: int,
        payload: Any,
    ) -> Operation:
        """Start a declared operation that takes (shortest, usual, longest) nanoseconds."""
        return self.begin(kind, self.name(name), interval_ns, chain, payload)

    def begin(
        self,
        kind: Kind,
        label: str,
        interval_ns: tuple[int, int, int],
        chain: int,
        payload: Any,
    ) -> Operation:
        """The same, for one that has got its `label` from `name` before."""
        now = self.clock.now_ns
        shortest, usual, longest = interval_ns
        moments = (now + shortest, now + usual, now + longest)
        return self._pend(kind, label, moments, self.clock.next_reading(), chain, payload)

    def stall(self, label: str, longest_ns: int, chain: int, payload: Any) -> Operation:
        """Keep a thread from the processor for a while; `label` is unique in the execution."""
        now = self.clock.now_ns
        moments = (now + 1, now, now + max(longest_ns, 1))
        reading = self.clock.next_reading()
        return self._pend("stall", label, moments, reading, chain, payload)

    def end(self) -> None:
        """The execution is over: that something is still pending may be a deviation like others.

        It is for a stall, and for what would have completed by now if nothing had deviated.
        """
        now = self.clock.now_ns
        for operation in self.pending:
            if operation.number in self._elastic:
                latest = operation.latest_ns if operation.kind == "stall" else now
                operation.due_ns, operation.missed = max(latest, now + 1), 0
            overlooked = operation.missed and operation.missed_at_ns == now
            if operation.nominal_ns <= now and (operation.due_ns > now or overlooked):
                operation.behind = 0
                self._write_down(operation)

    def cancel(self, operation: Operation) -> None:
        """Forget a pending operation; it will not be delivered."""
        operation.cancelled = True
        if not self._stock and operation.in_shadow:
            self._shadow.cancelled += 1
        if self._elastic.pop(operation.number, None) is None:
            self._heap.cancelled += 1
        else:
            operation.due_ns, operation.missed = self.clock.now_ns + 1, 0
        # Overdue and not delivered: that it was still pending is a deviation like any other.
        if not self._stock and self.clock.now_ns >= operation.nominal_ns:
            operation.behind = 0
            self._write_down(operation)

    def name(self, name: str) -> str:
        """`name` and how many of that name this execution has had, itself included."""
        count = self._names.get(name, 0) + 1
        self._names[name] = count
        return f"{name}#{count}"

    def due_within(self, length_ns: int) -> bool:
        """Whether something may complete after the present and before `length_ns` have passed."""
        until = self.clock.now_ns + length_ns
        entries = self._heap.entries
        if entries and entries[0][0] <= until:
            return True
        return any(operation.earliest_ns <= until for operation in self._elastic.values())

    @property
    def pending(self) -> list[Operation]:
        """What has not completed, in the order in which it was started."""
        timed = [entry[2] for entry in self._heap.entries if not entry[2].cancelled]
        return sorted([*timed, *self._elastic.values()], key=lambda operation: operation.number)

    def _start(
        self,
        kind: Kind,
        name: str,
        moments: tuple[int, int, int],
        reading: int,
        chain: int,
        payload: Any,
    ) -> Operation:
        return self._pend(kind, self.name(name), moments, reading, chain, payload)

    def _pend(
        self,
        kind: Kind,
        label: str,
        moments: tuple[int, int, int],
        reading: int,
        chain: int,
        payload: Any,
    ) -> Operation:
        self._started += 1
        operation = Operation(
            kind,
            label,
            self._started,
            self.clock.now_ns,
            moments,
            reading,
            chain,
            payload,
        )
        if not self._stock and operation.in_shadow:
            self._shadow.push(operation.nominal_ns, operation)
        if self._asking and operation.latest_ns != operation.earliest_ns:
            self._elastic[operation.number] = operation
            return operation
        if not self._stock:
            self._follow_plan(operation)
        self._heap.push(operation.due_ns, operation)
        return operation

    def _follow_plan(self, operation: Operation) -> None:
        hold = self.door.hold(operation.label)
        operation.behind = hold.behind
        if operation.kind == "timer":
            return
        due_ns = max(operation.nominal_ns + hold.by_ns, operation.earliest_ns)
        # How far a sleep stretches is the plan's business: tokens do not know the elasticity.
        operation.due_ns = min(due_ns, operation.latest_ns) if operation.declared else due_ns
        operation.polls = hold.polls

    # Polls.

    def poll(self, ready: bool) -> Sequence[Operation]:
        """What completes at this poll, in order of delivery; the clock moves if nothing is ready.

        Empty although nothing is ready: nothing will ever complete.
        """
        if not self._stock and self._shadow.entries:
            self._shadow.prune()
        if not self._heap.entries and not self._elastic:
            return ()
        self._heap.prune()
        if not ready and not self._elastic and self._nothing_due():
            return ()
        forced = None if ready else self._advance()
        if self._stock:
            return self._heap.take(self.clock.now_ns)
        for operation in self._shadow.take(self.clock.now_ns):
            self._left_shadow += 1
            operation.place = self._left_shadow
        batch = self._ordered(self._due(ready) + self._joining(forced, ready))
        for operation in batch:
            self._write_down(operation)
        return batch

    def _nothing_due(self) -> bool:
        entries = self._heap.entries
        return not entries or entries[0][0] >= FOREVER_NS

    def _advance(self) -> Operation | None:
        """Move the clock to what completes next; the elastic operation that was chosen, if any."""
        if self._elastic:
            chosen, instant = self._next()
        else:
            chosen, instant = None, self._heap.entries[0][0]
        if instant > self.clock.now_ns:
            self.clock.advance_to(instant)
        return chosen

    def _due(self, ready: bool) -> list[Operation]:
        """Take from the heap what is due, but for what misses this poll."""
        batch: list[Operation] = []
        missing: list[Operation] = []
        for operation in self._heap.take(self.clock.now_ns):
            (missing if operation.missed < operation.polls else batch).append(operation)
        if missing and not ready and not batch:
            return missing
        for operation in missing:
            self._misses(operation)
            self._heap.push(operation.due_ns, operation)
        return batch

    def _next(self) -> tuple[Operation | None, int]:
        """Nothing is ready: who completes next, and when (None: the exact timers of then)."""
        now = self.clock.now_ns
        waiting = self._elastic.values()
        stock = min(waiting, key=lambda op: (max(op.nominal_ns, op.earliest_ns, now), op.reading))
        stock_ns = max(stock.nominal_ns, stock.earliest_ns, now)
        horizon = max(now, min(op.latest_ns for op in waiting))
        options: list[tuple[Operation | None, int]] = [(stock, stock_ns)]
        if self._heap.entries:
            exact_ns = max(now, self._heap.entries[0][0])
            horizon = min(horizon, exact_ns)
            if exact_ns <= stock_ns:
                options = [(None, exact_ns)]
            elif exact_ns == horizon:
                options.append((None, exact_ns))
        for operation in waiting:
            earliest = max(now, operation.earliest_ns)
            if earliest <= horizon:
                moments = {earliest, min(max(operation.nominal_ns, earliest), horizon), horizon}
                options += [(operation, moment) for moment in sorted(moments)]
        options[1:] = [option for option in options[1:] if option != options[0]]
        if self._menu is not None:
            options = self._menu.one_each(options)
        chains = [-1 if operation is None else operation.chain for operation, _ in options]
        return options[self.door.decide(len(options), "next", chains)]

    def _joining(self, forced: Operation | None, ready: bool) -> list[Operation]:
        """The elastic operations that arrive at this very poll."""
        now = self.clock.now_ns
        batch = []
        for operation in list(self._elastic.values()):
            if operation.earliest_ns > now:
                continue
            if operation is not forced and operation.latest_ns > now:
                menu = self._menu
                passes = menu is not None and (ready or menu.passes(operation, forced))
                if passes or not self._joins(operation):
                    self._misses(operation)
                    continue
            del self._elastic[operation.number]
            operation.due_ns = now
            batch.append(operation)
        return batch

    def _misses(self, operation: Operation) -> None:
        if operation.missed_at_ns != self.clock.now_ns:
            operation.missed, operation.missed_at_ns = 0, self.clock.now_ns
        operation.missed += 1

    def _joins(self, operation: Operation) -> bool:
        if operation.nominal_ns <= self.clock.now_ns:
            return self.door.decide(2, "join", (operation.chain, -1)) == 0
        return self.door.decide(2, "join", (-1, operation.chain)) == 1

    # The order within a poll.

    def _ordered(self, batch: list[Operation]) -> list[Operation]:
        if self._asking and len(batch) < 2:
            return batch
        stock = sorted(batch, key=_stock_order)
        if self._asking:
            order = self._ask_order(stock)
            for place, operation in enumerate(stock):
                later = stock[place + 1 :]
                first = order[: order.index(operation)]
                operation.behind = sum(1 for other in first if other in later)
            return order
        order = []
        for operation in reversed(stock):
            operation.behind = min(operation.behind, len(order))
            order.insert(operation.behind, operation)
        return order

    def _ask_order(self, stock: list[Operation]) -> list[Operation]:
        if self._menu is None:
            return self._ask_who_is_next(stock)
        return around_deadlines(stock, self.door.decide, self._ask_who_is_next)

    def _ask_who_is_next(self, stock: list[Operation]) -> list[Operation]:
        remaining, order = list(stock), []
        while len(remaining) > 1:
            options = remaining
            if self.order == "strict":
                exact = next((op for op in remaining if not op.elastic), None)
                options = [op for op in remaining if op.elastic or op is exact]
            chains = [operation.chain for operation in options]
            operation = options[self.door.decide(len(options), "tie", chains)]
            remaining.remove(operation)
            order.append(operation)
        return order + remaining

    def _write_down(self, operation: Operation) -> None:
        polls = operation.missed if operation.missed_at_ns == self.clock.now_ns else 0
        hold = Hold(operation.due_ns - operation.nominal_ns, polls, operation.behind)
        if hold:
            self.door.holds[operation.label] = hold
            if self.needs == "strict" and not self._strict(operation):
                self.needs = "ties"

    def _strict(self, operation: Operation) -> bool:
        """Whether `strict` allows this deviation; what is exact may let operations pass."""
        in_time = operation.due_ns == operation.nominal_ns
        return operation.declared or (in_time and self.order == "strict")


def _stock_order(operation: Operation) -> tuple[int, int, int]:
    """By deadline; equal readings of one deadline as CPython's timer heap left them."""
    return operation.due_ns, operation.reading, operation.place
