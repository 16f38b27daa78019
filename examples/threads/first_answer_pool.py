"""The first answer of two wins, and the caller waits for the other one all the same.

The end of a `with ThreadPoolExecutor()` block waits for every job that has begun. The answer is
right, so that no test notices, until the slower engine has a slow day.

    python -m examples.threads.first_answer_pool
"""

import time
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

import spectest

DEADLINE_S = 0.500


def rules() -> str:
    time.sleep(0.100)
    return "approve"


def llm() -> str:
    time.sleep(0.460)
    return "approve"


def first_answer() -> str:
    with ThreadPoolExecutor() as pool:
        branches = [pool.submit(rules), pool.submit(llm)]
        done, _ = wait(branches, return_when=FIRST_COMPLETED)
        return done.pop().result()


def first_answer_at_once() -> str:
    pool = ThreadPoolExecutor()
    try:
        branches = [pool.submit(rules), pool.submit(llm)]
        done, _ = wait(branches, return_when=FIRST_COMPLETED)
        return done.pop().result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def broken() -> None:
    began = time.monotonic()
    assert first_answer() == "approve"
    assert time.monotonic() - began < DEADLINE_S, "the customer has left"


def fixed() -> None:
    began = time.monotonic()
    assert first_answer_at_once() == "approve"
    assert time.monotonic() - began < DEADLINE_S, "the customer has left"


if __name__ == "__main__":
    print(spectest.render(spectest.explore(broken)))
    print()
    print(spectest.render(spectest.explore(fixed)))
