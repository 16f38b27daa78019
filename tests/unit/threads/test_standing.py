import sys
from types import FrameType
from typing import Any

from spectest.threads.standing import local_of


def test_a_traced_function_keeps_the_variables_that_are_looked_at() -> None:
    """Before Python 3.13 it gets all of them back from the copy that looking makes."""
    seen = []

    def look(frame: FrameType, event: str, _: Any) -> Any:
        if event == "line":
            seen.append(local_of(frame, "kept"))
        return look

    def function(kept: int) -> int:
        other = kept + 1
        return kept + other

    before = sys.gettrace()
    sys.settrace(look)
    try:
        result = function(1)
    finally:
        sys.settrace(before)
    assert (result, seen[:2]) == (3, [1, 1])
