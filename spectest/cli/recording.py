"""`spectest replay-log`: an invocation of production again, from the record it left."""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from spectest.cli.advising import records_in
from spectest.errors import UsageError

if TYPE_CHECKING:
    from spectest.exploration.recorded import Difference, Replay
    from spectest.patterns.records import Record

__all__ = ["add_replay", "facts_of", "page_of", "record_of", "with_record"]


def add_replay(parser: argparse.ArgumentParser) -> None:
    """The options of `replay-log`."""
    add = parser.add_argument
    add("log", metavar="LOG", type=Path, help="a log with records of speculations")
    add("program", metavar="FILE::NAME", help="may take the record, as a dictionary")
    add("--run-id", metavar="ID", help="which record, if there are several")
    add(
        "--tolerance-ms",
        type=float,
        metavar="MS",
        default=5.0,
        help="by how much times may differ from the record (5)",
    )
    add("--json", action="store_true", help="print facts instead of the page")


def record_of(options: argparse.Namespace) -> Record:
    """The one that is asked for; `UsageError` if that is none, or not clear."""
    records = records_in(options.log)
    ids = [record.run_id for record in records]
    if options.run_id is None:
        if len(records) > 1:
            raise UsageError(f"{options.log} has {len(ids)} records; say --run-id={ids[0]}")
        return records[0]
    found = [record for record in records if record.run_id == options.run_id]
    if len(found) != 1:
        among = f"it has {_few(ids)}" if not found else f"it has {len(found)} of them"
        raise UsageError(f"{options.log} has no single record of run {options.run_id}; {among}")
    return found[0]


def _few(ids: Sequence[str]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")


def with_record(program: Callable[..., Any], record: dict[str, Any]) -> Callable[[], Any]:
    """`program`, with the record for its argument if it needs one."""
    from spectest.exploration.execution import needed_parameters

    needed = needed_parameters(program)
    if not needed:
        return program
    call = partial(program, record)
    if inspect.iscoroutinefunction(program):

        async def coroutine() -> Any:
            return await call()

        return coroutine
    return call


def facts_of(replay: Replay) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "run_id": replay.run_id,
        "same": not replay.differences,
        "compared": replay.compared,
        "differences": [
            {"field": it.field, "recorded": it.recorded, "replayed": it.replayed}
            for it in replay.differences
        ],
        "record": dict(replay.record),
        "holds_ns": {name: hold.by_ns for name, hold in replay.plan.holds.items()},
        "needless": list(replay.needless),
        "token": replay.token,
    }


def page_of(replay: Replay, address: str | None) -> str:
    """What is printed. `address`: of the program, None if a token alone cannot replay it."""
    record = replay.record
    index = record["winning_branch_index"]
    winner = "nobody" if index is None else f"`{record['branch_names'][index]}`"
    lines = [f"run {replay.run_id}"]
    if replay.differences:
        lines += ["", "The replay differs from the record:"]
        lines += [f"  {_difference(it)}" for it in replay.differences]
        lines += [f"  {reason}" for reason in replay.unreached]
    else:
        lines += [f"{replay.compared} fields are as recorded: {winner} wins", ""]
        lines += _what_mattered(replay)
    if address is not None:
        lines += ["", f"replay  spectest replay {address} {replay.token}"]
    return "\n".join(lines)


def _what_mattered(replay: Replay) -> list[str]:
    if not replay.plan.holds:
        return ["No latency mattered: it is so at the usual ones, too."]
    lines = ["It takes no more than this:"]
    for name, hold in replay.plan.holds.items():
        word = "longer" if hold.by_ns > 0 else "shorter"
        lines.append(f"  `{name}` takes {abs(hold.by_ns) / 1e6:g} ms {word} than usual")
    if replay.needless:
        lines.append(f"  not needed: {', '.join(f'`{name}`' for name in replay.needless)}")
    return lines


def _difference(it: Difference) -> str:
    return f"{it.field}: recorded {json.dumps(it.recorded)}, replayed {json.dumps(it.replayed)}"
