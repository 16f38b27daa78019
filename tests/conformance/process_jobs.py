"""What the children of process pools do: importable in a process that was started afresh."""

import multiprocessing
import os
import time
from collections.abc import Iterator
from typing import Any, NoReturn

licence: str | None = None
tasks_done = 0
seen: list[Any] = []


def initialize(text: str) -> None:
    global licence
    licence = text


def fail_to_initialize() -> NoReturn:
    raise OSError("no licence")


def licensed() -> str | None:
    return licence


def count_tasks() -> int:
    global tasks_done
    tasks_done += 1
    return tasks_done


def remember(thing: Any) -> int:
    seen.append(thing)
    return len(seen)


def double(number: int) -> int:
    return 2 * number


def slowly(number: int, seconds: float = 0.15) -> int:
    time.sleep(seconds)
    return number


def divide(number: int) -> float:
    return 60 / number


def fail(error: BaseException) -> NoReturn:
    raise error


def append_to(numbers: list[int]) -> list[int]:
    numbers.append(7)
    return numbers


def give_back(thing: Any) -> Any:
    return thing


def make_generator() -> Iterator[int]:
    return (number for number in range(3))


class TwoArguments(Exception):
    """Pickled with one argument, and made of two."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(first)


class Unpicklable(Exception):
    def __reduce__(self) -> NoReturn:
        raise RuntimeError("this error stays here")


def raise_two_arguments() -> NoReturn:
    raise TwoArguments(1, 2)


def raise_unpicklable() -> NoReturn:
    raise Unpicklable("here")


class BreaksOnArrival:
    def __reduce__(self) -> tuple[Any, ...]:
        return fail, (ValueError("not here"),)


def exit_at_once() -> NoReturn:
    os._exit(3)


def kill_myself() -> None:
    os.kill(os.getpid(), 9)


def leave() -> NoReturn:
    raise SystemExit(5)


def who() -> tuple[int, int, str, bool]:
    process = multiprocessing.current_process()
    parent = multiprocessing.parent_process()
    assert process.pid == os.getpid()
    return os.getpid(), os.getppid(), process.name, parent is not None
