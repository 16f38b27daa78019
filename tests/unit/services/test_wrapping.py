"""Real clients' methods as services."""

import asyncio
import sys
from types import ModuleType
from typing import Any

import pytest

import spectest

SOURCE = """
class Client:
    def __init__(self, word):
        self.word = word

    async def complete(self, prompt):
        return f"{self.word} {prompt}"

    def embed(self, text):
        return [len(text)]

    @staticmethod
    def count(text):
        return len(text)

    @classmethod
    def named(cls, word):
        return cls(word)

    async def stream(self):
        yield 1

class Special(Client):
    pass

def ping():
    return "pong"
"""


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> Any:
    module = ModuleType("wrapped_llm")
    exec(SOURCE, vars(module))
    monkeypatch.setitem(sys.modules, "wrapped_llm", module)
    return module


def test_an_async_method_takes_time_and_then_does_what_it_does(llm: Any) -> None:
    async def program() -> str:
        with spectest.patch("wrapped_llm.Client.complete", latency=0.030) as service:
            answer: str = await llm.Client("I").complete("am")
            assert asyncio.get_running_loop().time() == pytest.approx(0.030)
            assert service.ledger.calls[0].args[1:] == ("am",)
            assert service.ledger.calls[0].name == "complete#1"
        return answer

    real = llm.Client.complete
    assert spectest.run(program) == "I am"
    assert llm.Client.complete is real


def test_a_blocking_method_may_be_answered_for(llm: Any) -> None:
    def program() -> object:
        with spectest.patch("wrapped_llm.Client.embed", answer=[0.5], name="vectors"):
            return llm.Client("I").embed("text")

    assert spectest.run(program) == [0.5]


def test_functions_static_and_class_methods(llm: Any) -> None:
    with (
        spectest.patch("wrapped_llm.ping") as ping,
        spectest.patch("wrapped_llm.Client.count"),
        spectest.patch("wrapped_llm.Client.named"),
    ):
        assert llm.ping() == "pong"
        assert llm.Client.count("four") == llm.Client("x").count("four") == 4
        assert llm.Special.named("y").word == "y"
        assert len(ping.ledger) == 1
    assert isinstance(vars(llm.Client)["count"], staticmethod)
    assert isinstance(vars(llm.Client)["named"], classmethod)


def test_an_inherited_method_is_patched_where_it_was_named(llm: Any) -> None:
    with spectest.patch("wrapped_llm.Special.embed", answer="fake"):
        assert llm.Special("x").embed("text") == "fake"
        assert llm.Client("x").embed("text") == [4]
    assert "embed" not in vars(llm.Special)


def test_it_is_given_back_when_the_block_raises(llm: Any) -> None:
    real = llm.ping
    with pytest.raises(KeyError), spectest.patch("wrapped_llm.ping"):
        raise KeyError
    assert llm.ping is real


def test_as_a_decorator(llm: Any) -> None:
    @spectest.patch("wrapped_llm.ping", answer="nobody")
    def program() -> str:
        return str(llm.ping())

    assert program() == "nobody"
    assert llm.ping() == "pong"


@pytest.mark.parametrize(
    "target, complaint",
    [
        ("ping", "name a function by module"),
        ("wrapped_llm.nothing", "there is no such function"),
        ("no_such_module.ping", "there is no such function"),
        ("wrapped_llm.Client", "type is not a function"),
        ("wrapped_llm.Client.stream", "does not yield"),
        ("math.sin", "builtin_function_or_method is not a function"),
    ],
)
def test_what_cannot_be_patched(llm: Any, target: str, complaint: str) -> None:
    with pytest.raises(spectest.UsageError, match=complaint), spectest.patch(target):
        pytest.fail("it was patched")


def test_as_a_decorator_of_a_coroutine_function(llm: Any) -> None:
    @spectest.patch("wrapped_llm.Client.complete", latency=0.030, answer="fake")
    async def program() -> str:
        await asyncio.sleep(0.010)
        return str(await llm.Client("I").complete("am"))

    real = llm.Client.complete
    assert spectest.run(program) == "fake"
    assert llm.Client.complete is real
