"""What an error tells a caller in Python to write, as options of a command."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from simulators.errors import ScenarioError

__all__ = ["in_options"]

_VALUE = r"\{[^}]*\}|\[[^\]]*\]|'[^']*'|\w+(?:\.\w+)*|"
_PUNCTUATION = str.maketrans("", "", "{}[]'")


@contextmanager
def in_options(options: Mapping[str, str]) -> Iterator[None]:
    """Errors raised inside name options: `unit='ms'` is `--unit ms`, by `options` of keywords."""
    try:
        yield
    except ScenarioError as error:
        field = options.get(error.field, error.field)
        remedy = _translated(error.remedy, options)
        raise ScenarioError(field, error.value, error.why, remedy) from error


def _translated(remedy: str, options: Mapping[str, str]) -> str:
    def option(found: re.Match[str]) -> str:
        name, value = options[found["keyword"]], found["value"]
        if value == "None":
            return f"no {name}"
        text = value.translate(_PUNCTUATION).replace(": ", "=").replace(", ", ",")
        return name if text in ("", "False") else f"{name} {shlex.quote(text)}"

    keywords = "|".join(options)
    return re.sub(rf"\b(?P<keyword>{keywords})=(?P<value>{_VALUE})", option, remedy)
