"""Words by which logs say how an attempt ended, and the outcomes that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from simulators import checks
from simulators.errors import ScenarioError
from simulators.results import CANCELLED, FAILED, INVALID, OUTCOMES, VALID

__all__ = ["flag", "of_word", "remedy_of", "words_from"]

_FLAGS = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


def words_from(words: Any) -> dict[str, int]:
    """The outcome of each word: those of `OUTCOMES`, and what `words` adds, {"ok": "valid"}.

    "running" is an attempt that had not ended when the log was written, and so was cut off.
    """
    known = {word: number for number, word in enumerate(OUTCOMES)} | {"running": CANCELLED}
    if words is None:
        return known
    if not isinstance(words, Mapping):
        raise ScenarioError("words", words, "is no mapping", "use {'ok': 'valid', 'err': 'failed'}")
    for word, outcome in words.items():
        checks.one_of(f"words[{word!r}]", outcome, OUTCOMES)
        known[str(word)] = OUTCOMES.index(outcome)
    return known


def of_word(word: Any, words: Mapping[str, int]) -> int | None:
    """The outcome that a word means; "raised X" is a failure; None if it means nothing here."""
    text = str(word)
    found = words.get(text)
    return FAILED if found is None and text.startswith("raised ") else found


def remedy_of(word: Any) -> str:
    """How to say what an unknown word means."""
    others = ", ".join(outcome for outcome in OUTCOMES if outcome != OUTCOMES[CANCELLED])
    return f"use words={{{str(word)!r}: '{OUTCOMES[CANCELLED]}'}}, or {others}"


def flag(value: Any) -> int | None:
    """VALID or INVALID, from a boolean or its text; None if it is neither."""
    if not isinstance(value, bool):
        value = _FLAGS.get(str(value).strip().lower())
    return None if value is None else (VALID if value else INVALID)
