from dataclasses import replace

import pytest

from spectest.kernel.clock import VirtualClock
from spectest.kernel.observers import TraceRecorder
from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent

HERE = SourceLine("/somewhere/app.py", 12, "work")
EVENT = TraceEvent(0, 1_500_000, "step", "a", "b", -1, HERE, "detail")


def test_an_event_reads_well() -> None:
    assert str(EVENT) == "1.500000 ms step a detail"
    assert str(replace(EVENT, subject="", detail="")) == "1.500000 ms step"


def test_no_line_is_false() -> None:
    assert not NOWHERE
    assert HERE


@pytest.mark.parametrize("where", [NOWHERE, SourceLine("C:\\other\\app.py", 99, "work")])
def test_the_fingerprint_does_not_depend_on_paths_and_lines(where: SourceLine) -> None:
    moved = Trace([replace(EVENT, where=where)])
    assert moved.fingerprint == Trace([EVENT]).fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"time_ns": 1},
        {"kind": "end"},
        {"subject": "c"},
        {"task": "c"},
        {"cause": 3},
        {"detail": "other"},
    ],
)
def test_the_fingerprint_depends_on_everything_else(change: dict[str, object]) -> None:
    changed = replace(EVENT, **change)  # type: ignore[arg-type]
    assert Trace([changed]).fingerprint != Trace([EVENT]).fingerprint


def test_the_fingerprint_depends_on_the_order_and_is_sixteen_digits() -> None:
    other = replace(EVENT, subject="z")
    traces = [Trace([]), Trace([EVENT]), Trace([EVENT, other]), Trace([other, EVENT])]
    prints = [trace.fingerprint for trace in traces]
    assert len(set(prints)) == 4
    assert all(len(text) == 16 and int(text, 16) >= 0 for text in prints)


def test_a_trace_is_a_sequence() -> None:
    other = replace(EVENT, kind="end")
    trace = Trace([EVENT, other])
    assert (len(trace), trace[1], list(trace)) == (2, other, [EVENT, other])
    assert trace.of_kind("end") == [other]
    assert trace.of_kind("step", "end") == [EVENT, other]
    assert trace.of_kind() == []


def test_a_trace_does_not_grow_with_the_list_it_was_made_of() -> None:
    events = [EVENT]
    trace = Trace(events)
    events.append(EVENT)
    assert len(trace) == 1


def test_a_recorder_numbers_events_and_stamps_them_with_the_time() -> None:
    clock = VirtualClock()
    recorder = TraceRecorder(clock)
    assert recorder.emit("task", "a") == 0
    clock.advance_to(7)
    assert recorder.emit("step", "a", task="a", where=HERE, detail="x") == 1
    assert list(recorder.trace()) == [
        TraceEvent(0, 0, "task", "a", "", -1, NOWHERE, ""),
        TraceEvent(1, 7, "step", "a", "a", -1, HERE, "x"),
    ]


def test_the_cause_is_what_happens_now_unless_it_is_given() -> None:
    recorder = TraceRecorder(VirtualClock())
    recorder.current = recorder.emit("step", "a")
    recorder.emit("start", "b")
    recorder.emit("complete", "c", cause=-1)
    recorder.emit("complete", "d", cause=1)
    assert [event.cause for event in recorder.trace()] == [-1, 0, -1, 1]


class Watcher:
    def __init__(self, recorder_of: list[TraceRecorder]) -> None:
        self.recorder_of = recorder_of
        self.seen: list[tuple[TraceEvent, int]] = []

    def on_event(self, event: TraceEvent) -> None:
        self.seen.append((event, len(self.recorder_of[0].events)))


def test_observers_hear_of_each_event_once_it_is_in_the_trace() -> None:
    recorders: list[TraceRecorder] = []
    watchers = [Watcher(recorders), Watcher(recorders)]
    recorders.append(TraceRecorder(VirtualClock(), watchers))
    recorders[0].emit("task", "a")
    recorders[0].emit("step", "a")
    for watcher in watchers:
        assert [event.kind for event, _ in watcher.seen] == ["task", "step"]
        assert [length for _, length in watcher.seen] == [1, 2]
