"""The sweep finds httpcore's pool full after a cancelled request, and httpcore2's never."""

import asyncio
import subprocess
import sys

import spectest
from examples.cancellation_sweep import full_pool
from tests.examples.pages import ROOT, environment


def test_it_passes_on_stock_asyncio() -> None:
    async def program_and_check() -> None:
        main, still_serves = full_pool.broken()
        await main
        await still_serves()

    asyncio.run(program_and_check())


def test_a_cancelled_request_leaves_the_pool_full() -> None:
    sweep = spectest.sweep(full_pool.broken, confirm=True)
    assert sweep.failure is not None
    assert type(sweep.failure.error).__name__ == "PoolTimeout"
    assert sweep.failure.confirmation is not None
    assert sweep.failure.confirmation.confirmed
    assert sweep.coverage.reached == sweep.coverage.awaits
    failed = {(one.task, one.number, one.kind) for one in sweep.points if one.outcome == "failed"}
    # The second download has been given the connection, and has not gone on.
    assert ("download (Task-3)", 1, "at") in failed


def test_the_fixed_pool_serves_whoever_was_cancelled() -> None:
    sweep = spectest.sweep(full_pool.fixed)
    assert sweep.failure is None
    assert sweep.coverage.cancellations > 20
    assert {one.outcome for one in sweep.points} == {"cancelled"}


def test_the_example_shows_both() -> None:
    shown = subprocess.run(
        [sys.executable, "-m", "examples.cancellation_sweep.full_pool"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert shown.returncode == 0, shown.stderr
    assert "PoolTimeout" in shown.stdout
    assert "cancellations fail\n" in shown.stdout
    assert "fixed: none of" in shown.stdout
