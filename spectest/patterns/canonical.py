"""One value, one sequence of bytes: JSON in the canonical form of RFC 8785.

A seed made from inputs must be the same on every machine, in every process and in every language
that wants to check it. So keys are sorted by UTF-16 code units, numbers are written as ECMAScript
writes them, and strings are escaped only where JSON demands it. What JSON cannot say without loss
is refused and not guessed: the error names its path and what to pass instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from spectest.patterns.naming import shown

__all__ = ["CanonicalError", "canonical_json"]

SAFE_INTEGER = 2**53 - 1  # The largest integer n such that an IEEE 754 double tells n from n + 1.

_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord(char): f"\\{short}" for char, short in zip('\b\t\n\f\r"\\', 'btnfr"\\', strict=True)
}
_INSTEAD = {
    "set": "pass a sorted list",
    "frozenset": "pass a sorted list",
    "bytes": "pass text, for instance .hex()",
    "bytearray": "pass text, for instance .hex()",
    "complex": "pass a list of two floats",
    "Decimal": "pass str(...) of it",
    "Fraction": "pass str(...) of it",
    "UUID": "pass str(...) of it",
    "datetime": "pass .isoformat() of it",
    "date": "pass .isoformat() of it",
    "time": "pass .isoformat() of it",
}


class CanonicalError(ValueError):
    """A value has no canonical JSON.

    Fields `path`: where it stands, such as `inputs.user[3].score`; `why`: what is wrong with it and
    what to pass instead.
    """

    def __init__(self, path: str, why: str) -> None:
        super().__init__(path, why)
        self.path = path
        self.why = why

    def __str__(self) -> str:
        return f"{self.path}: {self.why}"


def canonical_json(inputs: object, *, name: str = "inputs") -> bytes:
    """The canonical JSON of `inputs`, in UTF-8.

    Mappings with text keys become objects, lists and tuples arrays; besides there are text, int,
    float, bool and None. A float without a fraction is written like an int, so `1.0` and `1` are
    the same. `CanonicalError`: NaN and infinities, ints beyond ±(2**53 - 1), keys that are no text,
    lone surrogates, cycles, and objects of any other kind. `name`: what the path in the error
    begins with.

    Source: RFC 8785, JSON Canonicalization Scheme.
    """
    try:
        return "".join(_pieces(inputs, name, set())).encode()
    except RecursionError:
        why = "is nested too deeply for the interpreter's recursion limit; pass flatter inputs"
        raise CanonicalError(name, why) from None


def _pieces(value: Any, path: str, open_containers: set[int]) -> Iterator[str]:
    if isinstance(value, str):
        yield _text(value, path)
    elif value is None or isinstance(value, bool):
        yield {None: "null", True: "true", False: "false"}[value]
    elif isinstance(value, int):
        yield _integer(int(value), path)
    elif isinstance(value, float):
        yield _double(float(value), path)
    elif isinstance(value, Mapping | list | tuple):
        if id(value) in open_containers:
            raise CanonicalError(path, "contains itself; JSON has no form for a cycle")
        open_containers.add(id(value))
        members: Any = _object if isinstance(value, Mapping) else _array
        yield from members(value, path, open_containers)
        open_containers.remove(id(value))
    else:
        raise CanonicalError(path, _refusal(value))


def _object(value: Mapping[Any, Any], path: str, open_containers: set[int]) -> Iterator[str]:
    members = {}
    for key, member in value.items():
        if not isinstance(key, str):
            why = (
                f"has the key {shown(key)}, which is no text; JSON has text keys only, use str(...)"
            )
            raise CanonicalError(path, why)
        plain = str.__str__(key)
        if plain in members:
            raise CanonicalError(path, f"has two keys that are written {plain!r}; rename one")
        _text(plain, f"{path}, in the key {plain!r}")
        members[plain] = member
    separator = "{"
    for key in sorted(members, key=lambda text: text.encode("utf-16-be")):
        yield f"{separator}{_quoted(key)}:"
        place = f"{path}.{key}" if key.isidentifier() else f"{path}[{key!r}]"
        yield from _pieces(members[key], place, open_containers)
        separator = ","
    yield "}" if members else "{}"


def _array(
    value: list[Any] | tuple[Any, ...], path: str, open_containers: set[int]
) -> Iterator[str]:
    yield "["
    for index, member in enumerate(value):
        if index:
            yield ","
        yield from _pieces(member, f"{path}[{index}]", open_containers)
    yield "]"


def _text(value: str, path: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError as error:
        code = ord(value[error.start])
        why = f"the lone surrogate U+{code:04X} is no character; decode with errors='replace'"
        raise CanonicalError(path, why) from None
    return _quoted(value)


def _quoted(text: str) -> str:
    return f'"{text.translate(_ESCAPES)}"'


def _integer(value: int, path: str) -> str:
    if abs(value) > SAFE_INTEGER:
        shown = value if value.bit_length() < 256 else f"an int of {value.bit_length()} bits"
        why = f"{shown} is beyond ±(2**53 - 1), where JSON numbers lose digits; pass str(...) of it"
        raise CanonicalError(path, why)
    return str(value)


def _double(value: float, path: str) -> str:
    """`value` as ECMAScript's Number::toString writes it: ECMA-262, section 6.1.6.1.20.

    `repr` has the same digits, the shortest that read back as the same double; only the layout
    differs. In the names of the standard: k digits, and the point stands after the n-th of them.
    """
    if not math.isfinite(value):
        why = f"{_special(value)} has no JSON form; pass None, or leave the member out"
        raise CanonicalError(path, why)
    if value == 0:
        return "0"
    mantissa, _, exponent = repr(abs(value)).partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    n = len(digits) - len(fraction) + int(exponent or 0)
    digits = digits.rstrip("0")
    sign, k = "-" * (value < 0), len(digits)
    if k <= n <= 21:
        return sign + digits + "0" * (n - k)
    if 0 < n <= 21:
        return f"{sign}{digits[:n]}.{digits[n:]}"
    if -6 < n <= 0:
        return f"{sign}0.{'0' * -n}{digits}"
    rest = f".{digits[1:]}" if k > 1 else ""
    return f"{sign}{digits[0]}{rest}e{n - 1:+d}"


def _special(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _refusal(value: object) -> str:
    kind = type(value)
    if hasattr(kind, "__dataclass_fields__"):
        instead = "pass dataclasses.asdict(...) of it"
    elif hasattr(kind, "tolist"):
        instead = "pass .tolist() of it"
    else:
        known = [_INSTEAD[base.__name__] for base in kind.__mro__ if base.__name__ in _INSTEAD]
        instead = known[0] if known else "pass text, numbers, lists and dicts instead"
    return f"an object of class {kind.__qualname__} has no JSON form; {instead}"
