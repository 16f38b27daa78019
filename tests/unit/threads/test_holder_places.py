"""A deadlock says where the holder of a lock took it, and names things as the timeline does."""

import threading
from collections.abc import Callable
from typing import Any

from spectest.errors import Deadlock
from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.source.lines import shown

Program = Callable[[], Any]


class Account:
    def __init__(self) -> None:
        self.lock: Any = threading.Lock()


def blocked(program: Program, *, record: bool = True) -> list[str]:
    """The lines of the deadlock."""
    error = execute(program, Plan(), Settings().limits, record=record).error
    assert isinstance(error, Deadlock)
    return [line.replace(shown(__file__), "here") for line in error.blocked]


def line_in(function: Callable[..., Any], offset: int) -> str:
    return f"here:{function.__code__.co_firstlineno + offset} in {function.__name__}"


def takes_and_keeps(lock: Any) -> None:
    lock.acquire()


def takes_in_vain(account: Account) -> None:
    with account.lock:
        pass


def kept() -> None:
    account = Account()
    thread = threading.Thread(target=takes_and_keeps, args=(account.lock,), name="keeper")
    thread.start()
    thread.join()
    takes_in_vain(account)


def test_where_the_holder_took_it() -> None:
    [line] = blocked(kept)
    assert line == (
        "main waits for threading.Lock `account.lock`, held by keeper since "
        f"{line_in(takes_and_keeps, 1)}, which has ended, at {line_in(takes_in_vain, 1)}"
    )


def test_without_a_recording_nobody_knows() -> None:
    [line] = blocked(kept, record=False)
    assert "held by keeper, which has ended, at " in line


def twice(first: Account, second: Account) -> None:
    with first.lock:
        with second.lock:
            pass


def test_what_a_thread_holds_itself() -> None:
    def main() -> None:
        account = Account()
        twice(account, account)

    line, _ = blocked(main)
    assert line == (
        "main waits for threading.Lock `second.lock`, which it holds itself since "
        f"{line_in(twice, 1)}, at {line_in(twice, 2)}"
    )


def test_a_condition_that_was_waited_for_is_held_since_then() -> None:
    ready = threading.Condition()

    def waiter() -> None:
        with ready:
            ready.wait()
            threading.Event().wait()

    def main() -> None:
        thread = threading.Thread(target=waiter, name="waiter")
        thread.start()
        with ready:
            ready.notify()
        thread.join(1)
        with ready:
            pass

    assert f", held by waiter since {line_in(waiter, 2)}, at " in blocked(main)[0]
