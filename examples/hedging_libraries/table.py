"""What is promised, by which program it is judged, and how: explored, or cancelled everywhere."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import spectest
from examples.hedging_libraries import clients, promises
from spectest import oracles

__all__ = ["CLIENTS", "ROWS", "Row", "finding_of"]

CLIENTS = {
    "hedge-python": clients.hedge_python,
    "httpx-hedged": clients.hedged_httpx,
    "speculate": clients.speculate,
}


@dataclass(frozen=True)
class Row:
    """A promise, and by whose documentation it is `promised`.

    `program` is explored; with `sweep`, its caller is cancelled or timed out at every await.
    """

    promise: str
    promised: str
    program: Callable[[clients.Client], Any]
    sweep: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)

    def judge(self, client: clients.Client, **settings: Any) -> Any:
        """The `Report` or `Sweep` of this client."""
        program = functools.partial(self.program, client)
        if self.sweep:
            kinds = ["caller", "timeout"]
            return spectest.sweep(program, kinds=kinds, **self.settings, **settings)
        return spectest.explore(program, **self.settings, **settings)


def finding_of(failure: Any) -> str:
    """A failure in a few words, without times and names."""
    error = failure.error
    if isinstance(error, spectest.OracleViolation):
        return f"{error.oracle}: {error.finding}"
    if type(error) is AssertionError:
        return str(error)
    return type(error).__name__


_BOTH, _NEITHER = "both", "neither"

ROWS = (
    Row(
        "The loser is cancelled",
        _BOTH,
        promises.one_answer,
        settings={"oracles": [oracles.cancellation()]},
    ),
    Row(
        "A caller who leaves takes his requests with him",
        _NEITHER,
        promises.one_answer,
        sweep=True,
        settings={"oracles": [oracles.cancellation()]},
    ),
    Row(
        "A caller's cancellation, or timeout, is not swallowed",
        _NEITHER,
        promises.one_answer,
        sweep=True,
    ),
    Row("Two answers at once cost no connection", _NEITHER, promises.gives_connections_back),
    Row(
        "A caller who leaves costs no connection",
        _NEITHER,
        promises.gives_connections_back,
        sweep=True,
    ),
    Row(
        "An answer goes before an error of the same instant",
        _NEITHER,
        promises.prefers_an_answer_to_an_error,
        settings={"oracles": [oracles.tie_breaking(compare=())]},
    ),
    Row("No exception is lost", _NEITHER, promises.prefers_an_answer_to_an_error),
    Row(
        "The first request's timeout does not end the second",
        _NEITHER,
        promises.survives_a_timeout,
    ),
    Row("The answer does not wait for the loser", _NEITHER, promises.answers_at_once),
    Row(
        "The same replica's answer counts, whatever the timing",
        _NEITHER,
        promises.another_answer,
        settings={"oracles": [oracles.tie_breaking()]},
    ),
    Row(
        "A POST is sent once",
        _BOTH,
        promises.posts_once,
        settings={"oracles": [oracles.isolation()]},
    ),
    Row(
        "A GET that loses has no effect",
        _NEITHER,
        promises.counts_once,
        settings={"oracles": [oracles.isolation()]},
    ),
    Row("A body that can be read once is sent", "httpx-hedged", promises.sends_a_stream_once),
    Row(
        "At most 10 % of the requests are sent twice",
        _BOTH,
        promises.keeps_to_its_budget,
        settings={"runs": 20},
    ),
    Row("Attempts do not share a request", _NEITHER, promises.keeps_attempts_apart),
)
