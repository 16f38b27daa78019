"""What a frame calls the thing it uses, read from the text of its line and not from its variables.

Reading a frame's variables is not free of consequences before Python 3.13: the frame keeps what was
read, and with it things the program lets go of. The text of the line costs the program nothing.
"""

from __future__ import annotations

import linecache
import re
from itertools import islice
from types import FrameType

__all__ = ["name_in_source"]

_WITH = re.compile(r"(?:async )?with ([^,:]+?)(?: as \w+)?:.*", re.DOTALL)
_NAME = re.compile(r"(?!\d)[\w.]+(?:\[\w+\])?(?:\.\w+)*")
_LONGEST = 30


def name_in_source(frame: FrameType, call: str) -> str:
    """The expression whose method `call` the frame is in, or whose `with` block it enters or ends.

    A variable, an attribute or a member by its index; "" for anything else.
    """
    text = _text_of(frame)
    with_statement = _WITH.fullmatch(text)
    if with_statement:
        text = with_statement[1]
    elif f".{call}(" in text:
        text = text.rpartition(f".{call}(")[0]
    name = text.strip()
    return name if len(name) <= _LONGEST and _NAME.fullmatch(name) else ""


def _text_of(frame: FrameType) -> str:
    """What the instruction that `frame` is at was compiled from, as far as it is on one line."""
    code = frame.f_code
    if frame.f_lasti < 0:
        return ""
    positions = next(islice(code.co_positions(), frame.f_lasti // 2, None), (None,) * 4)
    first, last, start, end = positions
    if first is None or start is None:
        return ""
    line = linecache.getline(code.co_filename, first, frame.f_globals).encode()
    return line[start : end if last == first else None].decode(errors="replace").strip()
