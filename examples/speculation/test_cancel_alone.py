"""The promise: once there is an answer nobody works on it, and who asks again gets the same one."""

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from examples.speculation import cancel_alone, cancel_alone_fixed
from spectest import watch

QUESTION = "What is the capital of Australia?"


class Client:
    """Blocks for `seconds`, until the server has answered or somebody closes the connection."""

    def __init__(self, seconds: float, answer: str) -> None:
        self._seconds = seconds
        self._answer = answer
        self._closed = threading.Event()

    def ask(self, question: str) -> str:
        if self._closed.wait(self._seconds):
            raise ConnectionError(f"closed while it waited for the answer to {question!r}")
        return self._answer

    def close(self) -> None:
        self._closed.set()


SERVERS = {
    "small": functools.partial(Client, 0.050, "Sydney"),
    "large": functools.partial(Client, 0.500, "Canberra"),
}


@pytest.mark.spectest(oracles=["cancellation", "isolation"])
def naive() -> str:
    pool = ThreadPoolExecutor(4)
    try:
        answers = cancel_alone.Answers(SERVERS, pool)
        watch.objects(kept=answers.kept)
        return answers.answer(QUESTION)
    finally:
        pool.shutdown(wait=False)


def test_the_first_answer_is_returned() -> None:
    assert naive() == "Sydney"


def test_asked_again_it_answers_the_same() -> None:
    with ThreadPoolExecutor(4) as pool:
        answers = cancel_alone.Answers(SERVERS, pool)
        assert answers.answer(QUESTION) == answers.answer(QUESTION) == "Sydney"


@pytest.mark.spectest(oracles=["cancellation", "isolation", "log_fidelity", "exactly_once"])
def test_fixed_explored() -> None:
    pool = ThreadPoolExecutor(4)
    try:
        answers = cancel_alone_fixed.Answers(SERVERS, pool)
        watch.objects(kept=answers.kept)
        first = answers.answer(QUESTION, run_id="request-1")
        assert answers.answer(QUESTION, run_id="request-2") == first
    finally:
        pool.shutdown(wait=False)
