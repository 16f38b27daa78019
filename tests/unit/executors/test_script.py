import functools
from typing import Any

import pytest

from spectest.errors import UsageError
from spectest.executors import Call, Job, ScriptedExecutor


def ask(question: str = "", **options: Any) -> str:
    return question


class Client:
    def ask(self) -> str:
        return "client"

    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> str:
        return "called"


@pytest.mark.parametrize(
    "settings, culprit",
    [
        ({"delay": -0.1}, "delay=-0.1"),
        ({"delay": float("nan")}, "delay=nan"),
        ({"delay": float("inf")}, "delay=inf"),
        ({"delay": "1"}, "delay='1'"),
        ({"delay": True}, "delay=True"),
        ({"raises": "slow"}, "raises='slow'"),
        ({"raises": int}, "raises=<class 'int'>"),
        ({"never": 1}, "never=1"),
        ({"never": True, "raises": OSError()}, "never finishes"),
        ({"never": True, "delay": 1.0}, "never finishes"),
    ],
)
def test_a_job_that_means_nothing_is_refused(settings: Any, culprit: str) -> None:
    with pytest.raises(UsageError, match=culprit):
        Job(**settings)


@pytest.mark.parametrize(
    "options, culprit",
    [
        ({"script": [ask]}, "script="),
        ({"script": {"ask": 0.1}}, "`script` has 0.1 for 'ask'; it must be a Job"),
        ({"script": {0: Job()}}, "`script` has 0"),
        ({"script": {True: Job()}}, "`script` has True"),
        ({"script": {1.0: Job()}}, "`script` has 1.0"),
        ({"order": "ask"}, "order='ask' must be a list"),
        ({"order": [None]}, "`order` has None"),
        ({"order": [-1]}, "`order` has -1"),
        ({"order": [Client()]}, "`order` has <"),
        ({"order": ["ask", "other", "ask"]}, "`order` has 'ask' twice"),
        ({"order": [ask, ask]}, "`order` has ask twice"),
    ],
)
def test_a_script_that_means_nothing_is_refused(options: Any, culprit: str) -> None:
    with pytest.raises(UsageError, match=culprit):
        ScriptedExecutor(**options)


def test_the_most_exact_entry_is_followed() -> None:
    delays: dict[Any, float] = {"ask": 4.0, ask: 3.0, "ask#2": 2.0, 1: 1.0}
    pool = ScriptedExecutor(script={key: Job(delay=delay) for key, delay in delays.items()})
    for _ in range(3):
        pool.submit(ask)
    with pytest.raises(UsageError, match="`script` has 'ask': "):
        pool.shutdown()
    assert [call.finish for call in pool.calls] == [1, 2, 3]


def test_a_job_goes_by_the_name_of_its_function() -> None:
    client = Client()
    pool = ScriptedExecutor(order=[4, "Client#1", "ask#2", ask])
    pool.submit(functools.partial(functools.partial(ask, "partial"), x=1))
    pool.submit(client.ask)
    pool.submit(client)
    pool.submit(lambda: "lambda")
    pool.shutdown()
    assert [call.value for call in pool.calls] == ["lambda", "called", "client", "partial"]
    assert [call.name for call in pool.calls] == ["<lambda>#1", "Client#1", "ask#2", "ask#1"]


@pytest.mark.parametrize("wait", [True, False])
def test_a_key_that_no_job_followed_is_an_error_at_shutdown(wait: bool) -> None:
    pool = ScriptedExecutor(script={"aks": Job(delay=1), ask: Job()}, order=[ask, 7])
    pool.submit(ask)
    with pytest.raises(UsageError) as caught:
        pool.shutdown(wait=wait)
    text = str(caught.value)
    assert "`script` has 'aks'; `order` has 7: no job" in text
    assert "Submitted: ask#1." in text
    assert "from 1" in text


def test_the_error_names_ten_submissions_at_most() -> None:
    pool = ScriptedExecutor(script={"aks": Job()})
    with pytest.raises(UsageError, match=r"Nothing was submitted\."):
        pool.shutdown(wait=False)
    pool = ScriptedExecutor(script={"aks": Job()})
    pool.map(ask, "abcdefghijkl")
    with pytest.raises(UsageError, match=r"ask#9, ask#10 and 2 more\."):
        pool.shutdown()


def test_an_error_in_the_block_is_not_hidden_behind_an_unused_key() -> None:
    with pytest.raises(ZeroDivisionError), ScriptedExecutor(script={"ask": Job()}):
        raise ZeroDivisionError


def test_a_call_reads_as_a_sentence() -> None:
    pool = ScriptedExecutor(script={1: Job(delay=0.03), 2: Job(raises=OSError("down"))})
    running = []
    pool.submit(ask, "why", tries=2)
    pool.submit(ask)
    pool.submit(lambda: running.extend(pool.calls))
    pool.shutdown()
    assert [str(call) for call in (*running, *pool.calls)] == [
        "ask#2() raised OSError('down'), 0 s to 0 s",
        "<lambda>#1() running since 0 s",
        "ask#2() raised OSError('down'), 0 s to 0 s",
        "<lambda>#1() returned None, 0 s to 0 s",
        "ask#1('why', tries=2) returned 'why', 0 s to 0.03 s",
    ]
    assert pool.calls[-1] == Call("ask#1", ("why",), {"tries": 2}, "returned", "why", 0, 0.03)
