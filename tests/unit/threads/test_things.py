import queue
import threading
from concurrent.futures import Future

from spectest.exploration.execution import execute
from spectest.exploration.settings import Settings
from spectest.kernel.plan import Plan
from spectest.threads.things import kind_of


def test_kinds_are_what_users_write() -> None:
    def kinds() -> list[str]:
        things: list[object] = [threading.Lock(), threading.RLock()]
        things += [queue.SimpleQueue(), Future()]
        return [kind_of(thing) for thing in things]

    assert execute(kinds, Plan(), Settings().limits).result == [
        "threading.Lock",
        "threading.RLock",
        "queue.SimpleQueue",
        "concurrent.futures.Future",
    ]
