"""Which function closes a client."""

from typing import Any

import pytest

from spectest.patterns.clients import closing_of


class Full:
    def __init__(self) -> None:
        self.log: list[str] = []

    def aclose(self) -> None:
        self.log.append("aclose")

    def shutdown(self) -> None:
        self.log.append("shutdown")

    def close(self) -> None:
        self.log.append("close")


class Pool:
    def __init__(self) -> None:
        self.log: list[str] = []

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self.log.append(f"shutdown({wait}, {cancel_futures})")


@pytest.mark.parametrize(
    "client, asynchronous, called",
    [
        (Full(), True, "aclose"),
        (Full(), False, "shutdown"),
        (Pool(), True, "shutdown(False, True)"),
        (Pool(), False, "shutdown(False, True)"),
    ],
)
def test_the_first_name_that_fits_is_called(client: Any, asynchronous: bool, called: str) -> None:
    closing_of(client, "llm", asynchronous=asynchronous)()
    assert client.log == [called]


def test_a_file_is_closed_by_its_close() -> None:
    closed = []

    class File:
        def close(self) -> None:
            closed.append(self)

    closing_of(File(), "llm", asynchronous=True)()
    assert len(closed) == 1


def test_a_client_that_nobody_can_close_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="branch 'llm': its client object has none of aclose"):
        closing_of(object(), "llm", asynchronous=True)

    class Asynchronous:
        async def aclose(self) -> None: ...

    with pytest.raises(TypeError, match="none of shutdown and close"):
        closing_of(Asynchronous(), "llm", asynchronous=False)
