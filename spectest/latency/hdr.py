"""Files of HdrHistogram: the text of its percentiles, and its log of encoded histograms.

A log line is `[Tag=T,]start,length,max,histogram`. The histogram is base64; in it, zlib; in it, the
V2 encoding: a header and the counts of the buckets as ZigZag LEB128 numbers of up to nine bytes, of
which a negative one stands for that many empty buckets. Sources: ENCODING.rst of HdrHistogram_py;
`AbstractHistogram` and `HistogramLogWriter` of https://github.com/HdrHistogram/HdrHistogram.
"""

from __future__ import annotations

import base64
import math
import os
import re
import struct
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from spectest.errors import UsageError
from spectest.latency.readers import Name, in_seconds, opened, per_second

__all__ = ["counts_of", "decoded"]

_COMPRESSED, _PLAIN = 0x1C849304, 0x1C849303
_COOKIE = ~0xF0
"""What of a cookie tells the format; the rest is a word size that V2 does not use."""
_OUTER = struct.Struct(">II")
_HEADER = struct.Struct(">IIiIqqd")
_INTERVAL = re.compile(r"(?:Tag=(?P<tag>[^,]*),)?[\d.]+,[\d.]+,[\d.]+,(?P<histogram>[\w+/=]+)\s*")
_PERCENTILE = re.compile(r"\s*([\d.]+)\s+([01]\.\d+)\s+(\d+)(?:\s+(?:[\d.]+|inf|Infinity))?\s*")


def counts_of(path: Name, unit: str, tag: str | None) -> dict[float, int]:
    """{seconds: count} of either kind of file."""
    scale = per_second(unit)
    with opened(path) as file:
        lines = [(number, line) for number, line in enumerate(file, start=1) if line.strip()]
    if any("TotalCount" in line for _, line in lines):
        found = _of_percentiles(path, lines)
    else:
        found = _of_log(path, lines, tag)
    counts: Counter[float] = Counter()
    for value, count in found:
        counts[in_seconds(value, scale, os.fspath(path))] += count
    if not counts:
        raise UsageError(f"{os.fspath(path)} has no recorded value; use a file with data")
    return dict(counts)


def _of_percentiles(path: Name, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[float, int]]:
    """Each line has a value and how many values are up to it."""
    before = 0
    for number, line in lines:
        if line.startswith("#") or "TotalCount" in line:
            continue
        match = _PERCENTILE.fullmatch(line)
        if match is None or int(match[3]) < before:
            raise UsageError(
                f"{os.fspath(path)}, line {number} is no line of percentiles: {line.strip()!r}.\n"
                "It needs a value, a percentile, and a count that does not fall."
            )
        if int(match[3]) > before:
            yield float(match[1]), int(match[3]) - before
        before = int(match[3])


def _of_log(
    path: Name, lines: Iterable[tuple[int, str]], tag: str | None
) -> Iterator[tuple[float, int]]:
    tags = set()
    for number, line in lines:
        if line.startswith(("#", '"')):
            continue
        match = _INTERVAL.fullmatch(line)
        if match is None:
            raise UsageError(
                f"{os.fspath(path)}, line {number} is no line of an HdrHistogram log.\n"
                "Use a log with `start,length,max,histogram`, or the text with `TotalCount`."
            )
        tags.add(match["tag"])
        if match["tag"] == tag:
            try:
                yield from decoded(match["histogram"])
            except ValueError as error:
                raise UsageError(f"{os.fspath(path)}, line {number}: {error}") from None
    if tags and tag not in tags:
        known = ", ".join(sorted(f"tag={name!r}" for name in tags))
        raise UsageError(f"{os.fspath(path)} has no interval with tag={tag!r}; use {known}")


def decoded(text: str) -> list[tuple[int, int]]:
    """[(value, count), ...] of an encoded histogram, each value at the end of its bucket.

    `ValueError` if it is damaged or of another format.
    """
    try:
        compressed = base64.b64decode(text, validate=True)
        cookie, length = _OUTER.unpack_from(compressed)
        if cookie & _COOKIE != _COMPRESSED or length != len(compressed) - _OUTER.size:
            raise ValueError("not a compressed V2 histogram; write the log with HdrHistogram 2")
        payload = zlib.decompress(compressed[_OUTER.size :])
        cookie, length, offset, digits, lowest, _, _ = _HEADER.unpack_from(payload)
    except (struct.error, zlib.error) as error:
        raise ValueError(f"the encoded histogram is damaged: {error}") from None
    if cookie & _COOKIE != _PLAIN or offset != 0 or digits > 5 or lowest < 1:
        raise ValueError("not a V2 histogram of integers; write the log with HdrHistogram 2")
    counters = payload[_HEADER.size : _HEADER.size + length]
    if len(counters) != length:
        raise ValueError("the encoded histogram is damaged: counts are missing")
    buckets = _Buckets.of(digits, lowest)
    return [(buckets.end(index), count) for index, count in _nonzero(_numbers(counters))]


@dataclass(frozen=True, slots=True)
class _Buckets:
    """Which values a bucket holds: `half` in each octave, the first octave in steps of `unit`."""

    unit_bits: int
    half_bits: int

    @classmethod
    def of(cls, digits: int, lowest: int) -> _Buckets:
        exact = 2 * 10**digits
        return cls(lowest.bit_length() - 1, math.ceil(math.log2(exact)) - 1)

    def end(self, index: int) -> int:
        """The largest value that counts as equal to those of bucket `index`."""
        half = 1 << self.half_bits
        octave = max((index >> self.half_bits) - 1, 0)
        place = index - octave * half
        bits = octave + self.unit_bits
        return ((place + 1) << bits) - 1


def _nonzero(numbers: Iterable[int]) -> Iterator[tuple[int, int]]:
    index = 0
    for number in numbers:
        if number < 0:
            index -= number
            continue
        if number > 0:
            yield index, number
        index += 1


def _numbers(data: bytes) -> Iterator[int]:
    """ZigZag LEB128 numbers; the ninth byte of one holds eight bits of it."""
    place = 0
    while place < len(data):
        bits = 0
        for byte in range(9):
            if place == len(data):
                raise ValueError("the encoded histogram is damaged: a count is cut off")
            last, value = byte == 8, data[place]
            bits |= (value if last else value & 0x7F) << (7 * byte)
            place += 1
            if last or value < 0x80:
                break
        yield bits >> 1 ^ -(bits & 1)
