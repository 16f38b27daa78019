"""Each cell of the example's table is true of these two releases; needs the extra `examples`."""

import asyncio
import functools
import importlib.metadata
import importlib.util
import re
from typing import Any

import pytest

import spectest
from tests.examples.pages import FENCE, ROOT, normalised

FOLDER = ROOT / "examples" / "hedging_libraries"
README = (FOLDER / "README.md").read_text("utf-8")
LIBRARIES = ("hedge-python", "httpx-hedged", "speculate")

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("hedge", "httpx_hedged")),
    reason="hedge-python and httpx-hedged are not installed; the extra `examples` has them",
)


def table() -> list[list[str]]:
    """The cells of the table of promises, without its head."""
    _, _, rest = README.partition("| promise | promised by |")
    lines = rest.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]


CELLS = [
    pytest.param(row, library, cell, id=f"{row[0]}-{library}")
    for row in table()
    for library, cell in zip(LIBRARIES, row[2:], strict=True)
]


@pytest.mark.parametrize("row, library, cell", CELLS)
def test_a_cell_of_the_table(row: list[str], library: str, cell: str) -> None:
    from examples.hedging_libraries.table import CLIENTS, ROWS, finding_of

    (judged,) = [it for it in ROWS if it.promise == row[0]]
    assert judged.promised == row[1]
    failure = judged.judge(CLIENTS[library], confirm=True).failure
    assert cell == ("holds" if failure is None else f"fails: {finding_of(failure)}")
    assert failure is None or failure.confirmation.confirmed, failure.confirmation


def test_the_table_has_every_promise() -> None:
    from examples.hedging_libraries.table import CLIENTS, ROWS

    assert [row[0] for row in table()] == [row.promise for row in ROWS]
    assert tuple(CLIENTS) == LIBRARIES


def test_the_example_prints_the_table_and_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    from examples.hedging_libraries.__main__ import main
    from examples.hedging_libraries.table import ROWS

    main([row for row in ROWS if row.promise == "Two answers at once cost no connection"])
    printed, _, page = capsys.readouterr().out.partition("\n\n")
    assert len(printed.splitlines()) == 3
    assert [line for line in printed.splitlines() if line not in README.splitlines()] == []
    (told,) = [block[2] for block in FENCE.finditer(README) if block[1] == "text"]
    assert normalised(page) == normalised(told)


@pytest.mark.parametrize("number", range(1, 5))
def test_one_request_by_httpx_alone_passes(number: int) -> None:
    from examples.hedging_libraries.clients import not_hedged
    from examples.hedging_libraries.table import ROWS

    assert "caller" in ROWS[number].promise or "connection" in ROWS[number].promise
    assert ROWS[number].judge(not_hedged).failure is None


def explored(program: Any, client: Any, **settings: Any) -> Any:
    return spectest.explore(functools.partial(program, client), **settings).failure


def test_by_rank_the_same_replica_answers_whatever_the_timing() -> None:
    from examples.hedging_libraries import clients, promises

    judges = [spectest.oracles.tie_breaking(), spectest.oracles.cancellation()]
    assert explored(promises.another_answer, clients.by_rank, oracles=judges) is None
    assert explored(promises.survives_a_timeout, clients.by_rank) is None


def test_hedge_python_keeps_to_its_budget_when_it_is_told_the_rate() -> None:
    from examples.hedging_libraries import clients, promises

    told = functools.partial(clients.hedge_python, estimated_rps=7.0)
    assert explored(promises.keeps_to_its_budget, told, runs=20) is None


def test_the_breaker_spares_the_first_request() -> None:
    import httpx_hedged

    from examples.hedging_libraries import clients, promises

    def with_breaker(min_samples: int) -> Any:
        breaker = httpx_hedged.CircuitBreakerConfig(min_samples=min_samples)
        # So high a rate that it is not the budget by which nothing is sent twice.
        options = {"estimated_rps": 1000.0, "circuit_breaker": breaker}
        return functools.partial(clients.hedged_httpx, **options)

    assert explored(promises.trips_its_breaker, with_breaker(5), runs=20) is None
    idle = explored(promises.trips_its_breaker, with_breaker(1000), runs=2)
    assert str(idle.error) == "the last 10 requests were sent 20 times"


def test_a_thread_that_loses_gives_its_connection_back() -> None:
    from examples.hedging_libraries import sync

    report = spectest.explore(sync.gives_connections_back)
    assert report.failure is None
    assert spectest.run(sync.gives_connections_back) is None


def test_connections_are_lost_in_the_pool_of_httpx_as_well() -> None:
    from examples.hedging_libraries import real_pool

    usable = {
        (name, lose.__name__): asyncio.run(lose(transport))
        for name, transport in real_pool.TRANSPORTS.items()
        for lose in (real_pool.after_two_answers_at_once, real_pool.after_a_cancelled_caller)
    }
    assert usable == {
        ("hedge-python", "after_two_answers_at_once"): False,
        ("hedge-python", "after_a_cancelled_caller"): False,
        ("httpx-hedged", "after_two_answers_at_once"): True,
        ("httpx-hedged", "after_a_cancelled_caller"): False,
    }


@pytest.mark.parametrize("library, version", [("hedge-python", "0.3.0"), ("httpx-hedged", "0.5.0")])
def test_what_a_library_promises_is_quoted_as_its_release_says_it(
    library: str, version: str
) -> None:
    def plain(text: str) -> str:
        return " ".join(re.sub(r"^>|[*]", "", text, flags=re.MULTILINE).split())

    _, _, promises = README.partition(f"\n{library} {version}, in its README:\n\n")
    quotes = re.findall(r'"([^"]+)"', promises.partition("\n\n")[0])
    released = importlib.metadata.distribution(library)
    assert released.version == version
    documentation = plain(released.read_text("METADATA") or "")
    parts = [part.strip() for quote in quotes for part in plain(quote).split("[...]")]
    assert len(parts) > 3
    assert [part for part in parts if part not in documentation] == []


def test_the_extra_has_what_the_example_needs() -> None:
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    needed = (FOLDER / "requirements.txt").read_text("utf-8").split()
    assert needed == ["hedge-python[httpx]==0.3.0", "httpx-hedged==0.5.0", "spectest"]
    assert '"hedge-python==0.3.0"' in project
    assert '"httpx-hedged==0.5.0"' in project
