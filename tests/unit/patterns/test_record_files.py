import io
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import structlog

from spectest.patterns.record_files import read_records
from spectest.patterns.records import LOGGER, Record, RecordError, write_record
from tests.unit.patterns.made_records import HEDGE, NOBODY, OVERTAKEN, RACE

ALL = [RACE, NOBODY, OVERTAKEN, HEDGE]
Write = Callable[..., Path]


@pytest.fixture
def log(tmp_path: Path) -> Write:
    def write(*lines: str) -> Path:
        path = tmp_path / "app.log"
        path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        return path

    return write


class JsonFormatter(logging.Formatter):
    """What most formatters for JSON do: the extra fields of an entry beside its message."""

    own = frozenset(vars(logging.makeLogRecord({})))

    def format(self, record: logging.LogRecord) -> str:
        extra = {name: value for name, value in vars(record).items() if name not in self.own}
        return json.dumps({"level": record.levelname, "event": record.getMessage(), **extra})


class MessageFormatter(logging.Formatter):
    """A formatter for JSON that knows nothing but the message, sorted, and nested."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {"body": {"stringValue": record.getMessage()}, "attributes": [{"level": 20}]}
        return json.dumps({"resource": [entry]}, sort_keys=True)


def structlog_formatter() -> logging.Formatter:
    """As structlog's documentation renders the entries of the standard library."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_log_level, structlog.stdlib.ExtraAdder()],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(sort_keys=True),
        ],
    )


@pytest.mark.parametrize(
    "formatter",
    [
        logging.Formatter(),
        logging.Formatter("%(asctime)s {%(threadName)s} %(name)s %(levelname)s: %(message)s"),
        JsonFormatter(),
        MessageFormatter(),
        structlog_formatter(),
    ],
    ids=["message", "text", "json", "otlp", "structlog"],
)
def test_what_formatters_make_of_a_record_is_read(formatter: logging.Formatter, log: Write) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    before = LOGGER.level
    LOGGER.addHandler(handler)
    LOGGER.setLevel(logging.INFO)
    try:
        for record in ALL:
            write_record(record, bytes(32), 1.0)
            logging.getLogger("spectest.patterns.other").info("between {%s}", {"user": 1})
    finally:
        LOGGER.removeHandler(handler)
        LOGGER.setLevel(before)
    read = read_records(log(*stream.getvalue().splitlines()))
    assert [one.run_id for one in read] == [one.run_id for one in ALL]
    assert [one.to_json() | {"sampled_because": None} for one in read] == [
        one.to_json() | {"sampled_because": None} for one in ALL
    ]


def test_lines_are_records_in_order(log: Write) -> None:
    assert read_records(log(*(one.to_line() for one in ALL))) == ALL
    assert read_records(str(log(RACE.to_line(), "", "  "))) == [RACE]


def test_the_lines_of_others_are_passed_over(log: Write) -> None:
    others = ['{"level": "INFO", "message": "up"}', "up {now}", '{"run_id": 3}', "{}", "[1]"]
    assert read_records(log(*others, RACE.to_line(), *others)) == [RACE]


def test_a_record_as_text_under_its_key_is_read(log: Write) -> None:
    line = json.dumps({"a": [{"speculation_record": RACE.to_line()}]})
    assert read_records(log(line)) == [RACE]


def test_a_file_without_records_has_none(log: Write) -> None:
    assert read_records(log()) == []


def cut(line: str) -> str:
    return line[: len(line) // 2]


def wrapped(record: Record, **other: Any) -> str:
    return json.dumps({"speculation_record": record.to_json() | other})


@pytest.mark.parametrize(
    "line, field",
    [
        (cut(RACE.to_line()), ""),
        (RACE.to_line()[:5], ""),
        ("INFO spectest.patterns: " + cut(RACE.to_line()), ""),
        ("INFO spectest.patterns: " + RACE.to_line() + " and more", ""),
        (json.dumps({"event": cut(RACE.to_line())}), ""),
        (cut(wrapped(RACE)), ""),
        (wrapped(RACE, committed=-1), "committed"),
        (json.dumps(RACE.to_json() | {"run_id": ""}), "run_id"),
        (json.dumps({"input_hash": "5c" * 32}), "format"),
        (json.dumps({"speculation_record": None}), "format"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(line: str, field: str, log: Write) -> None:
    path = log(RACE.to_line(), "other", line, RACE.to_line())
    with pytest.raises(RecordError) as caught:
        read_records(path)
    assert caught.value.field == field
    assert caught.value.place == "line 3"
    assert str(caught.value).startswith("line 3: ")


def test_a_line_that_is_no_text_is_named(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(RACE.to_line().encode() + b"\n\xff\xfe\n")
    with pytest.raises(RecordError, match=r"line 2: .*UTF-8"):
        read_records(path)


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_records(tmp_path / "absent.log")
