"""What the commands have in common: how they read their options and their scenario."""

from __future__ import annotations

import argparse
import importlib.util
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from simulators import checks, files
from simulators.errors import ScenarioError
from simulators.scenario import Scenario

__all__ = [
    "INVALID",
    "Commands",
    "Parser",
    "add_draws",
    "add_output",
    "add_scenario",
    "checked_draws",
    "data_of",
    "emit",
    "integer",
    "names_in",
    "plots_installed",
    "plottable",
    "read",
    "writable",
]

INVALID = 3

Commands = Any
"""What `ArgumentParser.add_subparsers` returns; it has no public type."""


class Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the options."""

    def __init__(self, **keywords: Any) -> None:
        keywords["formatter_class"] = argparse.RawDescriptionHelpFormatter
        super().__init__(**keywords)

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """As usual, but the parser of a command says itself which option it does not know."""
        parsed, unknown = super().parse_known_args(args, namespace)
        if unknown:
            told = f"unrecognized arguments: {' '.join(unknown)}"
            name, known = unknown[0].partition("=")[0], self._option_string_actions
            close = get_close_matches(name, known, n=1)
            self.error(f"{told}; did you mean {close[0]}?" if close else told)
        return parsed, unknown

    def error(self, message: str) -> NoReturn:
        self.exit(INVALID, f"simulators: {message}; see {self.prog} --help\n")


def add_scenario(parser: argparse.ArgumentParser) -> None:
    """The scenario is the first argument."""
    parser.add_argument("scenario", metavar="SCENARIO", type=Path, help="a file in TOML or JSON")


def add_draws(parser: argparse.ArgumentParser, n: str) -> None:
    """How many requests, drawn from which seed; `n` is the number unless it is given."""
    add = parser.add_argument
    add("--n", type=integer, metavar="N", help=f"how many requests ({n})")
    add("--seed", type=int, metavar="N", default=0, help="seed of all draws (0)")


def add_output(parser: argparse.ArgumentParser, *forms: str) -> None:
    """In which form it is written, the first unless another is asked for, and where."""
    what = f"what is written ({forms[0]})"
    parser.add_argument("--output", choices=forms, default=forms[0], help=what)
    there = "write it there; it is not printed"
    parser.add_argument("--output-file", metavar="FILE", type=Path, help=there)


def checked_draws(options: argparse.Namespace) -> None:
    """`ScenarioError` unless the number of requests and the seed are some."""
    if options.n is not None:
        checks.count("--n", options.n, "number of requests")
    if options.seed < 0:
        raise ScenarioError("--seed", options.seed, "is no seed", "use an integer, 0 or more")


def data_of(place: Path) -> Any:
    """What stands in the file of a scenario."""
    try:
        return files.read_data(place)
    except OSError as error:
        why = f"cannot be read: {error.strerror or error}"
        raise ScenarioError("SCENARIO", str(place), why, "name a file that is there") from None


def read(options: argparse.Namespace) -> Scenario:
    """The scenario, once the numbers beside it are checked."""
    checked_draws(options)
    return files.from_data(data_of(options.scenario))


def integer(text: str) -> int:
    """10000 of `10000` and of `1e4`; `ValueError` if it is no whole number."""
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if not number.is_integer():
        raise ValueError(text)
    return int(number)


def names_in(text: str) -> list[str]:
    """Names with commas between."""
    return [name.strip() for name in text.split(",") if name.strip()]


def writable(option: str, place: Path, endings: Sequence[str] = ()) -> None:
    """`ScenarioError` unless a file can be written there, with one of these endings if any."""
    if endings and place.suffix not in endings:
        remedy = f"end its name with {' or '.join(endings)}"
        raise ScenarioError(option, str(place), "has another ending", remedy)
    if place.is_dir() or not place.parent.is_dir():
        why = "is a folder" if place.is_dir() else "is in a folder that is not there"
        raise ScenarioError(option, str(place), why, "name a file in a folder that is there")


def plots_installed() -> bool:
    """Whether there is the package that draws."""
    return importlib.util.find_spec("matplotlib") is not None


def plottable(option: str, place: Path) -> None:
    """`ScenarioError` unless a plot can be written there."""
    writable(option, place, (".svg", ".png"))
    if not plots_installed():
        remedy = "pip install spectest[plots]"
        raise ScenarioError(option, str(place), "needs matplotlib, which is not installed", remedy)


def emit(text: str, place: Path | None) -> None:
    """Write it there, or to the terminal."""
    if place is None:
        sys.stdout.write(text)
        return
    from simulators.output.writing import write

    write(place, text)
