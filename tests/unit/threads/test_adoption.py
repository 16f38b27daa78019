"""What holds the clock as a default argument."""

import sched
import sys
import threading
import time
from types import FrameType, ModuleType
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


def imported(name: str) -> Any:
    import importlib

    importlib.invalidate_caches()
    return importlib.import_module(name)


def test_a_class_that_two_libraries_share_is_found_when_one_of_them_drops_it(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first_shared", "then_shared"):
        (tmp_path / f"{name}-1.dist-info").mkdir()
    (tmp_path / "first_shared.py").write_text(
        "import threading\nclass Client:\n    lock = threading.Lock()\n"
    )
    (tmp_path / "then_shared.py").write_text("from first_shared import Client\nsize = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    shared = imported("then_shared")
    real = type(shared.Client.lock)

    def kind_of_lock() -> type:
        return type(imported("then_shared").Client.lock)

    assert spectest.run(kind_of_lock) is not real
    monkeypatch.delattr(imported("first_shared"), "Client")
    assert spectest.run(kind_of_lock) is not real
    assert kind_of_lock() is real


def test_what_is_deep_below_one_module_may_be_near_in_another(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deep_holder.py").write_text(
        "import threading\n"
        "class Box:\n"
        "    def __init__(self, inside):\n"
        "        self.inside = inside\n"
        "far = Box(Box(Box(Box(Box(threading.Lock())))))\n"
    )
    (tmp_path / "near_holder.py").write_text(
        "import deep_holder\nbox = deep_holder.far.inside.inside.inside\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    real = type(imported("near_holder").box.inside.inside)

    def kind_of_lock() -> type:
        return type(imported("near_holder").box.inside.inside)

    assert spectest.run(kind_of_lock) is not real
    assert kind_of_lock() is real


def test_who_traces_calls_is_spared_the_search_and_goes_on_afterwards() -> None:
    seen: set[str] = set()

    def tracer(frame: FrameType, event: str, argument: object) -> None:
        seen.add(frame.f_code.co_qualname)

    before = sys.gettrace()
    sys.settrace(tracer)
    try:
        spectest.run(lambda: None)
        kept = sys.gettrace()
    finally:
        sys.settrace(before)
    assert kept is tracer
    assert "Installation.install" in seen
    assert "Exchange._exchange_in" not in seen
