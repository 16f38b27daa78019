"""Failures are kept in `.spectest/` and tried first the next time.

One small JSON file for each program, written whole or not at all; a `.gitignore` of its own keeps
the folder out of repositories.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from pathlib import Path

from spectest.errors import TokenError
from spectest.kernel import token
from spectest.kernel.plan import Plan

__all__ = ["Database"]

_MOST = 10


class Database:
    """The folder `.spectest` below `root`."""

    def __init__(self, root: Path | None = None) -> None:
        self.folder = (root or Path.cwd()) / ".spectest"

    def path(self, program: str) -> Path:
        """Where the failures of `program` are kept."""
        digest = hashlib.blake2b(program.encode(), digest_size=8).hexdigest()
        return self.folder / "failures" / f"{digest}.json"

    def plans(self, program: str) -> list[Plan]:
        """Saved failures, newest first; what cannot be read (any more) is passed over."""
        plans = []
        for text in self._tokens(program):
            try:
                plans.append(token.decode(text))
            except TokenError:
                continue
        return plans

    def save(self, program: str, plan: Plan) -> None:
        """Remember a failure."""
        text = token.encode(plan)
        others = [other for other in self._tokens(program) if other != text]
        self._write(program, [text, *others][:_MOST])

    def forget(self, program: str, plan: Plan) -> None:
        """Forget a failure that is one no longer."""
        text = token.encode(plan)
        tokens = self._tokens(program)
        if text in tokens:
            tokens.remove(text)
            self._write(program, tokens)

    def _tokens(self, program: str) -> list[str]:
        try:
            document = json.loads(self.path(program).read_text(encoding="utf-8"))
            return [str(text) for text in document["tokens"]]
        except (OSError, ValueError, KeyError, TypeError):
            return []

    def _write(self, program: str, tokens: list[str]) -> None:
        path = self.path(program)
        if not tokens:
            path.unlink(missing_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        ignore = self.folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump({"program": program, "tokens": tokens}, file, indent=1)
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink()
            raise
