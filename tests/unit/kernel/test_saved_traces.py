"""A saved trace is read back as it was, or refused with the place at which it is damaged."""

import json

import pytest

from spectest.errors import UsageError
from spectest.kernel.trace import NOWHERE, SourceLine, Trace, TraceEvent

HERE = SourceLine("/somewhere/app.py", 12, "work")
TRACE = Trace(
    [
        TraceEvent(0, 0, "task", "main", "", -1, NOWHERE, "1"),
        TraceEvent(1, 1_500_000, "step", "main", "main", 0, HERE, 'says "\u00e9" \ud800'),
    ]
)


def test_what_is_saved_is_read_back() -> None:
    loaded = Trace.from_json(TRACE.to_json())
    assert list(loaded) == list(TRACE)
    assert loaded.to_json() == TRACE.to_json()


def test_an_empty_trace_can_be_saved() -> None:
    assert list(Trace.from_json(Trace([]).to_json())) == []


def changed(path: tuple[object, ...], value: object) -> str:
    document = json.loads(TRACE.to_json())
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    "path, value, complaint",
    [
        (("format",), 2, "its `format` is 2, and this version reads 1"),
        (("format",), None, "its `format` is None"),
        (("fields",), ["kind"], "its `fields` are not time_ns, kind"),
        (("events",), None, "its `events` are no list"),
        (("events", 1), [1, 2], "event 1 does not have 7 fields"),
        (("events", 1, 0), 1.5, "the `time_ns` of event 1 is 1.5"),
        (("events", 1, 0), True, "the `time_ns` of event 1 is True"),
        (("events", 0, 1), None, "the `kind` of event 0 is None"),
        (("events", 1, 4), 1, "the `cause` of event 1 is 1, which was not before it"),
        (("events", 1, 4), -2, "the `cause` of event 1 is -2"),
        (("events", 1, 5), ["app.py", 1], "the `where` of event 1"),
        (("events", 1, 6), "says no", "its `fingerprint` is"),
        (("fingerprint",), "0" * 16, "its `fingerprint` is '0000000000000000'"),
    ],
)
def test_a_damaged_trace_is_refused(
    path: tuple[object, ...], value: object, complaint: str
) -> None:
    with pytest.raises(UsageError) as caught:
        Trace.from_json(changed(path, value))
    assert complaint in str(caught.value)


def test_a_trace_of_which_the_end_is_missing_is_refused() -> None:
    document = json.loads(TRACE.to_json())
    document["events"].pop()
    with pytest.raises(UsageError, match="its `fingerprint` is"):
        Trace.from_json(json.dumps(document))
    with pytest.raises(UsageError, match="it is no JSON"):
        Trace.from_json(TRACE.to_json()[:-20])
    with pytest.raises(UsageError, match="it is no JSON object"):
        Trace.from_json("[]")
