"""What holds the clock as a default argument."""

import sched
import threading
import time
from types import ModuleType
from typing import Any

import pytest

import spectest


def test_the_scheduler_of_the_standard_library_sleeps_on_virtual_time() -> None:
    def program() -> float:
        fired: list[float] = []
        schedule = sched.scheduler()
        schedule.enter(3600, 1, lambda: fired.append(time.monotonic()))
        thread = threading.Thread(target=schedule.run)
        thread.start()
        thread.join()
        return fired[0]

    defaults = sched.scheduler.__init__.__defaults__
    assert spectest.run(program) == 3600
    assert sched.scheduler.__init__.__defaults__ is defaults


def test_so_does_a_method_of_a_library(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "patient-1.dist-info").mkdir()
    (tmp_path / "patient.py").write_text(
        "import time\nclass Client:\n    def wait(self, sleep=time.sleep):\n        sleep(3600)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import patient  # type: ignore[import-not-found]

    assert isinstance(patient, ModuleType)

    def program() -> float:
        patient.Client().wait()
        return time.monotonic()

    assert spectest.run(program) == 3600
    assert patient.Client.wait.__defaults__ == (time.sleep,)
