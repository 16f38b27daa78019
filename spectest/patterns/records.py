"""One speculation, one entry in the log: who ran, who won, and why it was not somebody else.

The entry holds what it takes to run the invocation again and to ask whether speculating pays. It
never holds inputs, answers or the messages of exceptions: inputs are in it as their hash.

It is written through `logging`, to the logger `spectest.patterns` at level INFO. The message is the
record as one line of JSON, and the attribute `speculation_record` of the entry is the same as a
dictionary, for formatters that write JSON themselves. `record.schema.json` is its JSON Schema.
"""

from __future__ import annotations

import dataclasses
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from spectest.patterns.record_checks import FORMAT, RecordError, check, faster_loser
from spectest.patterns.seeds import sampled

__all__ = [
    "LOGGER",
    "Cancellation",
    "LimiterUse",
    "Record",
    "RecordError",
    "record_schema",
    "with_reason",
    "write_record",
]

LOGGER = logging.getLogger("spectest.patterns")


@dataclass(frozen=True, slots=True)
class LimiterUse:
    """What the limiter did: its capacity, and the indices of the branches that it dropped."""

    capacity: int
    dropped: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Cancellation:
    """A branch was asked to go; `gone_after_ms` is None if it had not gone by the time it was
    recorded. Times are milliseconds since the speculation began.
    """

    branch_index: int
    asked_after_ms: float
    gone_after_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """What one invocation of `speculate` did. Lists have one entry for each branch, in order.

    `input_hash`: SHA-256 of the canonical inputs. `policy` and `decision`: their repr.
    `branch_launched_after_ms`: since the beginning, None for a branch that was not launched.
    `branch_latencies_ms`: from launch to end, None if it did not end. `branch_validities`: None
    without an answer. `branch_outcomes`: "valid", "invalid", "raised ValueError", "timed out",
    "cancelled", "dropped", "not launched", or "running" if it had not ended.
    `winning_branch_index`: None if nobody won. `decided_after_ms`: None if the caller left before.
    `deterministic_tie_breaker_seed`: the first 8 bytes of the seed chain as 16 hex digits.
    `committed`: how many staged effects were called. `sampled_because`: see `with_reason`.

    A record is not checked when it is made; `from_json` checks what comes from elsewhere.
    """

    run_id: str
    input_hash: str
    policy: str
    decision: str
    branch_names: tuple[str, ...]
    ranking: tuple[int, ...]
    branch_launched_after_ms: tuple[float | None, ...]
    branch_latencies_ms: tuple[float | None, ...]
    branch_validities: tuple[bool | None, ...]
    branch_outcomes: tuple[str, ...]
    winning_branch_index: int | None
    deterministic_tie_breaker_seed: str
    decided_after_ms: float | None
    limiter: LimiterUse | None = None
    cancellations: tuple[Cancellation, ...] = ()
    committed: int = 0
    sampled_because: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The record as dictionaries, lists and plain values; a new one each time."""
        return {"format": FORMAT, **_plain(dataclasses.asdict(self))}

    def to_line(self) -> str:
        """The record as one line of JSON, in ASCII, its fields in the order of the class."""
        return json.dumps(self.to_json(), allow_nan=False)

    @classmethod
    def from_json(cls, record: str | bytes | Mapping[str, Any]) -> Record:
        """The record that this says.

        Raises RecordError if it was cut off, or if a field is missing, unknown, of another type,
        out of range, or contradicts another one.
        """
        said = _parsed(record) if isinstance(record, str | bytes) else dict(record)
        check(said)
        del said["format"]
        for name, value in said.items():
            said[name] = _frozen(name, value)
        if (limiter := said["limiter"]) is not None:
            said["limiter"] = LimiterUse(limiter["capacity"], tuple(limiter["dropped"]))
        said["cancellations"] = tuple(
            Cancellation(**{name: _frozen(name, value) for name, value in one.items()})
            for one in said["cancellations"]
        )
        return cls(**said)


def record_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of a record: what fields may say each by itself."""
    from importlib import resources

    text = resources.files("spectest.patterns").joinpath("record.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text)
    return schema


def with_reason(record: Record, digest: bytes, rate: float) -> Record:
    """The record with the reason why it is written; None is the reason if it is not.

    "hash": `seeds.sampled` says so, whoever won. "loser was faster": a branch that did not win had
    an answer, valid or not, before the winner had.
    """
    because = None
    if sampled(digest, rate):
        because = "hash"
    elif faster_loser(dataclasses.asdict(record)):
        because = "loser was faster"
    return dataclasses.replace(record, sampled_because=because)


def write_record(record: Record, digest: bytes, rate: float) -> None:
    """Write one entry to the logger `spectest.patterns`, if there is a reason to.

    `digest`: the first of the seed chain. `rate`: the share of all invocations that is written.
    """
    record = with_reason(record, digest, rate)
    if record.sampled_because is not None and LOGGER.isEnabledFor(logging.INFO):
        LOGGER.info("%s", record.to_line(), extra={"speculation_record": record.to_json()})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


def _frozen(name: str, value: Any) -> Any:
    """Lists as tuples and milliseconds as floats."""
    if isinstance(value, list):
        return tuple(_frozen(name, one) for one in value)
    return float(value) if name.endswith("_ms") and value is not None else value


def _parsed(line: str | bytes) -> dict[str, Any]:
    try:
        said = json.loads(line, object_pairs_hook=_once, parse_constant=_no_number)
    except RecordError:
        raise
    except (ValueError, RecursionError) as error:
        raise RecordError("", line, f"it is no JSON, perhaps cut off: {error}") from None
    if not isinstance(said, dict):
        raise RecordError("", said, "it must be a JSON object")
    return said


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {}
    for name, value in pairs:
        if name in said:
            raise RecordError(name, value, "it stands there twice")
        said[name] = value
    return said


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number in JSON")
