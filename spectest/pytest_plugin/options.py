"""Every setting has an ini name; the command line beats the marker, the marker the ini file.

The names of the settings are spelled out here, because reading them from where they live would load
the engine into every pytest run.
"""

from __future__ import annotations

from typing import Any

import pytest

__all__ = [
    "INI_TYPES",
    "MODES",
    "add_options",
    "check_ini",
    "explicit",
    "from_ini",
    "mode_of",
    "settings_of",
]

MODES = ("explore", "once", "off")

INI_TYPES = {
    "runs": "int",
    "seed": "int",
    "strategy": "string",
    "order": "string",
    "elasticity": "float",
    "exact": "args",
    "lines": "args",
    "stall_s": "float",
    "oracles": "args",
    "leaks": "string",
    "confirm": "bool",
    "margin": "bool",
    "database": "bool",
    "coverage": "bool",
    "drain_s": "float",
    "wall_start": "string",
    "max_steps": "int",
    "max_steps_at_once": "int",
    "max_virtual_s": "float",
}

_ALLOWED = {
    "args": "names separated by spaces",
    "bool": "true or false",
    "float": "a number",
    "int": "a whole number",
    "string": "a word",
}
_PLUGIN_DEFAULTS = {"confirm": True, "database": True}
_ON_COMMAND_LINE = ("runs", "seed", "order")


def add_options(parser: pytest.Parser) -> None:
    """Declare the options and the ini block."""
    group = parser.getgroup("spectest", "spectest: explores the timings of marked tests")
    add = group.addoption
    add(
        "--spectest",
        dest="spectest_mode",
        choices=MODES,
        help="explore marked tests (default), run them once on virtual time, or run them once "
        "as ordinary tests in real time (off)",
    )
    add("--spectest-runs", type=int, metavar="N", help="executions of each test at most")
    add("--spectest-seed", type=int, metavar="N", help="seed of the search")
    add("--spectest-order", choices=("strict", "ties", "any"), help="what may vary")
    add("--spectest-replay", metavar="TOKEN", help="run the selected tests once, as TOKEN says")
    add("--spectest-report", metavar="PATH", help="write the reports of all explored tests there")
    add(
        "--spectest-asyncio",
        action="store_true",
        default=None,
        help="run the tests of pytest-asyncio once, on virtual time",
    )
    parser.addini("spectest", "like --spectest", default=None)
    parser.addini("spectest_report", "like --spectest-report", default=None)
    parser.addini("spectest_asyncio", "like --spectest-asyncio", type="bool", default=False)
    for name, kind in INI_TYPES.items():
        parser.addini(
            f"spectest_{name}",
            f"the setting {name!r} of explored tests",
            type=kind,  # type: ignore[arg-type]
            default=None,
        )


def mode_of(config: pytest.Config) -> str:
    """explore, once or off."""
    mode: str = config.getoption("spectest_mode") or config.getini("spectest") or "explore"
    return mode


def check_ini(config: pytest.Config) -> None:
    """A `UsageError` for an ini option that cannot be read."""
    mode = config.getini("spectest")
    if mode and mode not in MODES:
        raise pytest.UsageError(
            f"spectest={mode!r} in the ini file is no mode; use one of {', '.join(MODES)}"
        )
    for name, kind in {"asyncio": "bool", **INI_TYPES}.items():
        try:
            config.getini(f"spectest_{name}")
        except (TypeError, ValueError, pytest.UsageError) as error:
            raise pytest.UsageError(
                f"spectest_{name} in the ini file must be {_ALLOWED[kind]}: {error}"
            ) from error


def from_ini(config: pytest.Config) -> dict[str, Any]:
    """The settings that the ini file has."""
    return _given({name: config.getini(f"spectest_{name}") for name in INI_TYPES})


def settings_of(config: pytest.Config, marked: dict[str, Any]) -> dict[str, Any]:
    """The keywords of one test; `marked` are those of its marker and decorator."""
    return {**_PLUGIN_DEFAULTS, **from_ini(config), **marked, **_command_line(config)}


def explicit(config: pytest.Config) -> dict[str, Any]:
    """What this pytest run was told about spectest, for its header."""
    told = {**from_ini(config), **_command_line(config)}
    extra = {
        "replay": config.getoption("spectest_replay"),
        "asyncio": config.getoption("spectest_asyncio") or config.getini("spectest_asyncio"),
    }
    told |= {name: value for name, value in extra.items() if value}
    mode = mode_of(config)
    return {"mode": mode, **told} if told or mode != "explore" else {}


def _command_line(config: pytest.Config) -> dict[str, Any]:
    return _given({name: config.getoption(f"spectest_{name}") for name in _ON_COMMAND_LINE})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}
