"""A program that looks at everything that is not its own: dates, identifiers, chance.

`python -m tests.determinism.surroundings` prints what it sees, on any Python without packages.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import logging
import os
import random
import secrets
import tempfile
import threading
import time
import uuid
import warnings
from dataclasses import dataclass, field
from datetime import date
from datetime import datetime as moment
from os import urandom
from pathlib import Path
from random import choice
from typing import Any
from uuid import uuid1, uuid4

import spectest

at_import = moment.now
TIMELESS = dt.timedelta(0)


@dataclass
class Row:
    key: uuid.UUID = field(default_factory=uuid4)
    at: dt.datetime = field(default_factory=moment.now)


def clocks() -> list[Any]:
    return [
        (time.time(), time.time_ns(), time.monotonic(), time.monotonic_ns()),
        (time.perf_counter(), time.perf_counter_ns(), time.gmtime()[:6], time.strftime("%F")),
        (time.localtime() == time.localtime(time.time()), time.ctime() == time.asctime()),
        moment.now(dt.UTC),
        moment.now() - moment.today() == moment.fromtimestamp(time.time()) - moment.now(),
        moment.utcnow(),
        date.today() == moment.now().date(),
        at_import() - dt.datetime.now(),
        logging.makeLogRecord({}).relativeCreated,
        round(logging.makeLogRecord({}).created, 3),  # From seconds or nanoseconds, by version.
    ]


def draws() -> list[Any]:
    with tempfile.NamedTemporaryFile() as file:
        name = Path(file.name).name
    return [
        (random.random(), choice("abcdef"), random.Random().random(), random.gauss(0, 1)),
        (random.SystemRandom().random(), urandom(5), os.urandom(5)),
        (secrets.token_hex(5), secrets.randbelow(999), secrets.choice("abcdef")),
        (uuid.uuid4(), uuid4(), uuid.uuid1(), uuid1(), uuid.getnode()),
        (Row().key, Row().at - moment.now(), name),
    ]


async def program() -> list[Any]:
    seen = [*clocks(), *draws()]
    await asyncio.sleep(1.25)
    seen += await asyncio.to_thread(draws)
    thread = threading.Thread(target=lambda: seen.extend([*clocks(), *draws()]))
    thread.start()
    thread.join()
    return seen


if __name__ == "__main__":
    warnings.simplefilter("ignore", DeprecationWarning)
    print(*spectest.run(program), sep="\n")
