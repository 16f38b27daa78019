"""What a run costs a program that has no process pool, and what one gets that makes its first."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import spectest

ROOT = Path(spectest.__file__).parents[1]


def printed(program: str, folder: Path) -> list[str]:
    """What a fresh interpreter prints."""
    (folder / "program.py").write_text(program)
    ended = subprocess.run(
        [sys.executable, "program.py"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert ended.stderr == ""
    return ended.stdout.split("\n")[:-1]


def test_a_run_imports_no_multiprocessing(tmp_path: Path) -> None:
    program = """
import sys, time
import spectest

spectest.run(lambda: time.sleep(1))
print(sorted(name for name in sys.modules if name.startswith("multiprocessing")))
"""
    assert printed(program, tmp_path) == ["[]"]


@pytest.mark.parametrize(
    "importing",
    [
        "from concurrent.futures import ProcessPoolExecutor",
        "from concurrent.futures.process import ProcessPoolExecutor",
        "import concurrent.futures; ProcessPoolExecutor = concurrent.futures.ProcessPoolExecutor",
    ],
)
def test_a_class_that_is_imported_during_the_run_is_lent_too(
    tmp_path: Path, importing: str
) -> None:
    program = f"""
import os
import spectest

def program():
    {importing}
    with ProcessPoolExecutor(1) as pool:
        return pool.submit(os.getpid).result() > 10_000_000, type(pool).__name__

if __name__ == "__main__":
    for _ in range(2):
        print(*spectest.run(program))
    {importing}
    with ProcessPoolExecutor(1) as pool:
        print(pool.submit(os.getpid).result() > 10_000_000, type(pool) is ProcessPoolExecutor)
    print(vars(ProcessPoolExecutor)["submit"].__module__)
"""
    assert printed(program, tmp_path) == [
        "True ProcessPoolExecutor",
        "True ProcessPoolExecutor",
        "False True",
        "concurrent.futures.process",
    ]


def test_other_threads_of_the_process_get_real_pools(tmp_path: Path) -> None:
    program = """
import _thread, os, time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
import spectest

def program():
    if real is not None:
        real.release()
    for _ in range(100):
        if found:
            return
        outside(0.01)

def elsewhere():
    real.acquire()
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        found.append(pool.submit(os.getpid).result())

if __name__ == "__main__":
    outside, found, real = time.sleep, [], _thread.allocate_lock()
    real.acquire()
    _thread.start_new_thread(elsewhere, ())
    spectest.run(program)
    while not found:
        time.sleep(0.01)
    print(found[0] > 10_000_000)
"""
    assert printed(program, tmp_path) == ["False"]
