"""The story that a trace tells: speculations, attempts, their outcomes, and who did what.

Every oracle reads the same story, so that they agree on who won and who is late.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from spectest.kernel.trace import Trace, TraceEvent

__all__ = ["Attempt", "Speculation", "Story", "story_of"]

_ELSEWHERE = ", elsewhere"
_STEPS = (
    "speculation",
    "attempt",
    "outcome",
    "decision",
    "dismiss",
    "commit",
    "leave",
    "record",
    "result",
)


@dataclass(slots=True, eq=False)
class Attempt:
    """One branch at work, once.

    `label`: "llm", the second of that branch "llm (2)"; of a service's call, "llm#2". `branch`: the
    name without the number. `task`: in which task or thread it runs, "elsewhere" if it is told by
    somebody who only waits for it, as for another process. `speculation`: the label of
    the speculation it belongs to, "" if none was told. `service`: it is a call of a fake service.
    `began`, `ended`: the events, `ended` None while it goes on. `outcome`: "valid", "invalid",
    "raised ...", "timed out", "cancelled", "dropped", "not launched", or "" while it goes on.
    `answer`: the text of its answer, "" if it has none. `dismissed`: the event by which a loser was
    asked to go. `inside`: the attempt in which it was begun, a service called by a branch.
    """

    label: str
    branch: str
    task: str
    speculation: str
    service: bool
    began: TraceEvent
    ended: TraceEvent | None = None
    outcome: str = ""
    answer: str = ""
    dismissed: TraceEvent | None = None
    inside: Attempt | None = None

    @property
    def valid(self) -> bool:
        """It has ended with a valid answer."""
        return self.outcome == "valid"

    @property
    def worked(self) -> bool:
        """It was launched at all."""
        return self.outcome not in ("dropped", "not launched")


@dataclass(slots=True, eq=False)
class Speculation:
    """One invocation of a racing pattern.

    `told`: its beginning; `decided`: the event of the decision, None if there was none; `winner`:
    the attempt that won, None if nobody did. `commits`: the events of staged effects that were
    called. `left`: the event by which its caller went on, None if that was not told. `records`: the
    events of the records that were written of it.
    """

    label: str
    task: str
    told: TraceEvent
    decided: TraceEvent | None = None
    winner: Attempt | None = None
    attempts: list[Attempt] = field(default_factory=list)
    commits: list[TraceEvent] = field(default_factory=list)
    left: TraceEvent | None = None
    records: list[TraceEvent] = field(default_factory=list)


class Story:
    """What `trace` tells.

    `attempts`: in order of their beginnings, calls of services among them. `speculations`: those
    that were told. `result`: the text of what the program returned, None if it did not.
    `returned`: the event of its return. `result_of`: the labels of the attempts whose answer the
    result is.
    """

    def __init__(self, trace: Trace) -> None:
        self.trace = trace
        self.attempts: list[Attempt] = []
        self.speculations: list[Speculation] = []
        self.result: str | None = None
        self.result_of: tuple[str, ...] = ()
        self.returned: TraceEvent | None = None
        self._by_label: dict[str, Attempt] = {}
        self.starts: dict[str, TraceEvent] = {}
        self._ends: dict[str, list[TraceEvent]] = {}
        self._created: dict[str, list[tuple[int, TraceEvent]]] = {}
        self._in_task: dict[str, list[Attempt]] = {}
        for event in trace:
            if event.kind in ("task", "thread"):
                self._created.setdefault(event.subject, []).append((event.number, event))
            elif event.kind == "job" and event.detail == "begins" and event.cause >= 0:
                # From now on the worker works for whoever has submitted the job.
                asked = trace[event.cause]
                self._created.setdefault(event.task, []).append((event.number, asked))
            elif event.kind == "end":
                self._ends.setdefault(event.subject, []).append(event)
            elif event.kind == "job" and event.detail.startswith(("returned", "raised")):
                self._ends.setdefault(event.task, []).append(event)
            elif event.kind == "start":
                self.starts[event.subject] = event
            elif event.kind == "return":
                self.returned = self.returned or event
            elif event.kind in _STEPS:
                getattr(self, f"_{event.kind}")(event)

    # Reading.

    def _speculation(self, event: TraceEvent) -> None:
        self.speculations.append(Speculation(event.subject, event.task, event))

    def _attempt(self, event: TraceEvent) -> None:
        service = event.detail == "service"
        separator = "#" if service else " ("
        told = event.detail.removesuffix(_ELSEWHERE)
        attempt = Attempt(
            label=event.subject,
            branch=event.subject.rpartition(separator)[0] or event.subject,
            task=event.task if told == event.detail else "elsewhere",
            speculation="" if service else told,
            service=service,
            began=event,
            inside=self.attempt_of(event),
        )
        self.attempts.append(attempt)
        self._by_label[event.subject] = attempt
        if attempt.task == event.task:
            self._in_task.setdefault(event.task, []).append(attempt)
        speculation = self.speculation(attempt.speculation)
        if speculation is not None:
            speculation.attempts.append(attempt)

    def _outcome(self, event: TraceEvent) -> None:
        attempt = self._by_label.get(event.subject)
        if attempt is None or attempt.ended is not None:
            return
        attempt.ended = event
        attempt.outcome, attempt.answer = event.detail, ""
        for kind in ("valid", "invalid"):
            if event.detail.startswith(f"{kind} "):
                attempt.outcome, attempt.answer = kind, event.detail.removeprefix(f"{kind} ")

    def _decision(self, event: TraceEvent) -> None:
        speculation = self.speculation(event.subject)
        if speculation is not None and speculation.decided is None:
            speculation.decided = event
            speculation.winner = self._by_label.get(event.detail)

    def _dismiss(self, event: TraceEvent) -> None:
        attempt = self._by_label.get(event.subject)
        if attempt is not None and attempt.dismissed is None:
            attempt.dismissed = event

    def _commit(self, event: TraceEvent) -> None:
        attempt = self._by_label.get(event.subject)
        speculation = None if attempt is None else self.speculation(attempt.speculation)
        if speculation is not None:
            speculation.commits.append(event)

    def _leave(self, event: TraceEvent) -> None:
        speculation = self.speculation(event.subject)
        if speculation is not None and speculation.left is None:
            speculation.left = event

    def _record(self, event: TraceEvent) -> None:
        speculation = self.speculation(event.subject)
        if speculation is not None:
            speculation.records.append(event)

    def _result(self, event: TraceEvent) -> None:
        self.result = event.detail
        self.result_of = tuple(label for label in event.subject.split(", ") if label)

    # Asking.

    def speculation(self, label: str) -> Speculation | None:
        """The one of this label."""
        return next((it for it in self.speculations if it.label == label), None)

    def attempt(self, label: str) -> Attempt | None:
        """The one of this label."""
        return self._by_label.get(label)

    @property
    def over(self) -> TraceEvent | None:
        """The end of the program's main task, else its return: what the latter came of."""
        if self.returned is None:
            return None
        return self.end_of(self.returned.subject, -1) or self.returned

    def end_of(self, task: str, number: int) -> TraceEvent | None:
        """The end of `task`, or of the job that its thread worked on, after event `number`."""
        for event in self._ends.get(task, ()):
            if event.number > number:
                return event
        return None

    @property
    def branches(self) -> list[Attempt]:
        """The attempts that are in no other attempt: those of a branch, else calls of services."""
        return [attempt for attempt in self.attempts if attempt.inside is None]

    @property
    def winners(self) -> list[Attempt]:
        """Who won: as decided, else those of the branches whose answer the program returned."""
        decided = [it.winner for it in self.speculations if it.winner is not None]
        if decided or self.speculations:
            return decided
        return [it for it in self.branches if self._answered(it)]

    def _answered(self, attempt: Attempt) -> bool:
        inner = (it.label for it in self.attempts if self.outermost(it) is attempt)
        return any(label in self.result_of for label in inner)

    def outermost(self, attempt: Attempt) -> Attempt:
        """The branch to which this attempt belongs: itself, or the one it was begun in."""
        while attempt.inside is not None:
            attempt = attempt.inside
        return attempt

    def decided_at(self, attempt: Attempt) -> TraceEvent | None:
        """When the race of this attempt was over: at the decision, else at the program's return."""
        speculation = self.speculation(attempt.speculation)
        return self.over if speculation is None else speculation.decided

    def attempt_of(self, event: TraceEvent) -> Attempt | None:
        """The innermost attempt in whose name `event` happened.

        It happened in the attempt's task between its beginning and its end, or in a task or thread
        that was created so, or by one of those; or in a callback or a job that one of them has
        asked for.
        """
        asked = self._asked(event)
        task, number = asked.task, asked.number
        if asked is not event and asked.kind == "step":
            last = min(event.number, self._end_of_step(asked))
            found = self._at_work(task, last) or self._at_work(task, number, last)
            if found is not None:
                return found
        found = self._at_work(task, number)
        for creation in self.creations(task, number):
            if found is not None:
                break
            found = self._at_work(creation.task, creation.number)
        return found

    def creations(self, task: str, number: int) -> Iterator[TraceEvent]:
        """How `task`, as it was at event `number`, came about: by whom, and by whom that one."""
        for _ in range(len(self.trace) + 1):
            creation = _last_before(self._created.get(task, ()), number)
            if creation is None or creation.task == task:
                return
            creation = self._asked(creation)
            yield creation
            task, number = creation.task, creation.number

    def is_thread(self, task: str) -> bool:
        """Whether it is a thread, which nobody can cancel."""
        return any(event.kind == "thread" for _, event in self._created.get(task, ()))

    def _asked(self, event: TraceEvent) -> TraceEvent:
        """The event itself; of a plain callback, that by which a task has asked for it."""
        while not event.task and 0 <= event.cause < event.number:
            event = self.trace[event.cause]
        return event

    def _end_of_step(self, event: TraceEvent) -> int:
        """The last event of the step in which this event happened."""
        for number in range(event.number + 1, len(self.trace)):
            if self.trace[number].kind in ("step", "end", "complete"):
                return number - 1
        return len(self.trace) - 1

    def _at_work(self, task: str, first: int, last: int | None = None) -> Attempt | None:
        """The innermost attempt that this task was at, at an event or at some time between two."""
        last = first if last is None else last
        for attempt in reversed(self._in_task.get(task, ())):
            ended = attempt.ended
            if attempt.began.number <= last and (ended is None or first <= ended.number):
                return attempt
        return None


def _last_before(events: Sequence[tuple[int, TraceEvent]], number: int) -> TraceEvent | None:
    return next((event for at, event in reversed(events) if at < number), None)


@lru_cache(maxsize=4)
def story_of(trace: Trace) -> Story:
    """The story of `trace`; that of the latest few is told once, to all who judge them."""
    return Story(trace)
