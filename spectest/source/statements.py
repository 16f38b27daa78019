"""The statements of the user's files, as coverage.py counts them.

A statement stands at its first line, and what the configuration of coverage.py excludes
(`# pragma: no cover`) is none. Of a file that cannot be read every line is one.
"""

from __future__ import annotations

from bisect import bisect_right

from spectest.errors import UsageError

__all__ = ["Statements"]


class Statements:
    """Those of all files; each is read once, when it is first asked for."""

    def __init__(self) -> None:
        try:
            from coverage import Coverage, CoverageException
        except ImportError as error:
            raise UsageError(
                "coverage=True needs the package coverage, which is not installed.\n"
                "Install it (pip install coverage), or leave coverage=True out."
            ) from error
        try:
            self._coverage = Coverage(data_file=None)
        except CoverageException as error:
            raise UsageError(
                f"coverage=True needs the configuration of coverage.py, and cannot read it: {error}"
            ) from error
        self._unreadable: type[Exception] = CoverageException
        self._files: dict[str, tuple[list[int], frozenset[int]] | None] = {}

    def of(self, file: str, line: int) -> int | None:
        """The first line of the statement that `line` belongs to, None if it is excluded."""
        found = self._lines(file)
        if found is None:
            return line
        starts, excluded = found
        place = bisect_right(starts, line)
        start = starts[place - 1] if place else line
        return None if start in excluded else start

    def _lines(self, file: str) -> tuple[list[int], frozenset[int]] | None:
        """Where its statements begin, and which of these lines are excluded."""
        if file not in self._files:
            try:
                _, statements, excluded, _, _ = self._coverage.analysis2(file)
                self._files[file] = sorted({*statements, *excluded}), frozenset(excluded)
            except self._unreadable:
                self._files[file] = None
            finally:
                # It keeps its data in memory, of which there are none, in an open data base.
                self._coverage.get_data().close(force=True)
        return self._files[file]
