"""`patterns.processes.speculate`: on virtual time, with real workers where only they will do."""

import logging
import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from typing import Any

import pytest

import spectest
from spectest.executors import VirtualProcessPool
from spectest.patterns import (
    AllBranchesFailed,
    Branch,
    FirstValid,
    Hedge,
    Limiter,
    Record,
    Tied,
    UnpicklableEffect,
    processes,
    stage,
)

ORDER = Hedge(0.0)
"""All at once, ranked as declared."""

DONE: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    DONE.clear()


def done(what: str) -> None:
    DONE.append(what)


def works(seconds: float, answer: Any, inputs: Any) -> Any:
    time.sleep(seconds)
    stage(done, f"{answer} of {os.getpid()}")
    return answer


def takes(seconds: float, answer: Any) -> Callable[[Any], Any]:
    return partial(works, seconds, answer)


def staged(inputs: Any) -> str:
    stage(done, "staged")
    return "answer"


def stages_a_lambda(inputs: Any) -> str:
    stage(lambda: None)
    return "answer"


def meddles(inputs: Any) -> None:
    inputs["a"] = 2


class TwoArguments(Exception):
    def __init__(self, one: str, two: str) -> None:
        super().__init__(one)


def raises_what_cannot_travel(inputs: Any) -> None:
    raise TwoArguments("one", "two")


def dies(inputs: Any) -> None:
    os._exit(3)


def is_text(answer: Any) -> bool:
    return isinstance(answer, str)


class Client:
    def close(self) -> None:
        stage(done, "closed")
        raise OSError("a client that cannot be closed costs no answer")


def uses(inputs: Any, client: Client) -> str:
    stage(done, "used")
    return "answer"


async def coroutine(inputs: Any) -> None: ...


def test_value_and_effects_come_back_and_effects_are_called_here() -> None:
    def program() -> None:
        with ProcessPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.02, "a")), Branch("b", takes(0.01, "b"))]
            answer = processes.speculate(branches, {"q": 1}, ORDER, executor=pool, run_id="w/1")
            assert (answer.value, answer.branch) == ("a", "a")
            assert time.monotonic() == pytest.approx(0.02)
        processes.settled()

    spectest.run(program)
    assert len(DONE) == 1
    assert DONE[0].startswith("a of ")


def test_an_answer_is_not_delayed_and_the_loser_is_named() -> None:
    found: list[Record] = []

    def program() -> None:
        limiter = Limiter(2)
        with ProcessPoolExecutor(2) as pool:
            branches = [Branch("a", takes(0.01, "a")), Branch("b", takes(3, "b"))]
            processes.speculate(
                branches,
                1,
                ORDER,
                executor=pool,
                run_id="w/1",
                grace=0.1,
                sample=1,
                limiter=limiter,
            )
            assert time.monotonic() == pytest.approx(0.01)
            processes.settled()
            assert time.monotonic() == pytest.approx(0.11)
            assert limiter.in_use == 1
        assert limiter.in_use == 0

    class Reads(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            if hasattr(entry, "speculation_record"):
                found.append(Record.from_json(entry.getMessage()))

    logger, handler = logging.getLogger("spectest.patterns"), Reads()
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        spectest.run(program)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    assert found[0].branch_outcomes == ("valid", "running")


def test_an_invalid_answer_does_not_win() -> None:
    def program() -> None:
        with ProcessPoolExecutor(2) as pool:
            branches = [
                Branch("a", takes(0.0, 1), valid=is_text),
                Branch("b", takes(0.0, "b"), valid=is_text),
            ]
            assert processes.speculate(branches, 1, ORDER, executor=pool, run_id="w/1").value == "b"

    spectest.run(program)


def test_a_client_is_opened_and_closed_in_the_worker() -> None:
    def program() -> None:
        with ProcessPoolExecutor(1) as pool:
            branch = Branch("a", uses, client=Client)
            processes.speculate([branch], 1, executor=pool, run_id="w/1")

    spectest.run(program)
    assert DONE == ["used", "closed"]


def test_what_goes_wrong_in_a_worker_is_told_with_its_traceback() -> None:
    def program() -> None:
        with ProcessPoolExecutor(3) as pool:
            branches = [
                Branch("meddler", meddles),
                Branch("odd", raises_what_cannot_travel),
                Branch("lambda", stages_a_lambda),
            ]
            with pytest.raises(AllBranchesFailed) as caught:
                processes.speculate(branches, {"a": 1}, executor=pool, run_id="w/1")
        meddler, odd, unpicklable = caught.value.exceptions
        assert "inputs['a']" in str(meddler)
        assert any("in meddles" in note for note in meddler.__notes__)
        assert str(odd) == "TwoArguments: one"
        assert any("in raises_what_cannot_travel" in note for note in odd.__notes__)
        assert isinstance(unpicklable, UnpicklableEffect)

    spectest.run(program)


def test_what_cannot_travel_or_run_there_is_refused_before_any_launch() -> None:
    with VirtualProcessPool(1) as pool:
        speculate = partial(processes.speculate, executor=pool, run_id="w/1")
        with pytest.raises(TypeError, match="branch 'a': call cannot be pickled"):
            speculate([Branch("a", lambda inputs: 1)], 1)
        with pytest.raises(TypeError, match="branch 'a': valid cannot be pickled"):
            speculate([Branch("a", staged, valid=lambda answer: True)], 1)
        with pytest.raises(TypeError, match="branch 'a': call is a coroutine function"):
            speculate([Branch("a", coroutine)], 1)
        with pytest.raises(ValueError, match=r"Tied\(delay=0.0\) needs branches that say began"):
            speculate([Branch("a", staged)], 1, Tied())
    with pytest.raises(TypeError, match="executor is 3"):
        processes.speculate([Branch("a", staged)], 1, executor=3, run_id="w/1")  # type: ignore[arg-type]


def test_the_winner_is_the_same_at_all_latencies() -> None:
    winners: set[str] = set()

    def program() -> None:
        DONE.clear()
        latency = (0.01, 0.02, 0.05)
        with VirtualProcessPool(3, latency=latency) as pool:
            branches = [Branch(name, takes(0.0, name)) for name in "abc"]
            answer = processes.speculate(branches, 1, executor=pool, run_id="w/1")
            assert len(DONE) == 1
            winners.add(answer.branch)
        processes.settled()
        assert len(DONE) == 1

    report = spectest.explore(program, runs=100)
    assert report.failure is None, spectest.render(report)
    assert len(winners) == 1


def test_real_workers_answer_and_a_worker_that_dies_is_named() -> None:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        branches = [Branch("a", takes(0.0, "a"))]
        answer = processes.speculate(
            branches, {"q": [1]}, executor=pool, run_id="w/1", decision=FirstValid()
        )
        assert answer.value == "a"
        assert DONE[0] != f"a of {os.getpid()}"
        with pytest.raises(AllBranchesFailed) as caught:
            processes.speculate([Branch("bad", dies)], 1, executor=pool, run_id="w/1")
        assert "a worker process died while branch 'bad'" in str(caught.value.exceptions[0])
        with pytest.raises(AllBranchesFailed, match="BrokenProcessPool"):
            processes.speculate(branches, 1, executor=pool, run_id="w/1")
