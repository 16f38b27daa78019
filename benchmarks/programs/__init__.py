"""Small asyncio programs with one known bug each, to compare strategies by.

They import the standard library and nothing else, and all but those marked
`fails_in_stock_order` pass under `asyncio.run`. Each stands beside its healthy twin, in which no
choice of durations shows anything.
"""

from benchmarks.programs.registry import PROGRAMS, Program

__all__ = ["PROGRAMS", "Program"]
