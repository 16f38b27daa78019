"""Patterns run in production: cheap to import, and nothing but the standard library behind them."""

import ast
import subprocess
import sys
from pathlib import Path

from spectest import patterns

HEAVY = {
    "asyncio",
    "concurrent.futures",
    "dataclasses",
    "inspect",
    "json",
    "logging",
    "multiprocessing",
    "sqlite3",
    "uuid",
}


def loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded after `program`."""
    printing = f"{program}\nimport sys; print(*sys.modules)"
    command = [sys.executable, "-S", "-c", printing]
    result = subprocess.run(
        command, capture_output=True, text=True, check=True, cwd=Path(__file__).parents[3]
    )
    return set(result.stdout.split())


def test_importing_patterns_loads_next_to_nothing() -> None:
    assert loaded("import spectest.patterns") & HEAVY == set()


def test_a_name_loads_what_it_needs_and_no_more() -> None:
    assert {"sqlite3", "uuid", "asyncio"} & loaded("from spectest.patterns import RunIds") == set()
    assert "json" not in loaded("from spectest.patterns import canonical_json, freeze")
    assert "json" in loaded("from spectest.patterns import canonical_json; import json")


def test_every_promised_name_is_there_and_others_are_not() -> None:
    assert patterns.__all__ == sorted(patterns.__all__)
    assert set(patterns.__all__) <= set(dir(patterns))
    for name in patterns.__all__:
        assert getattr(patterns, name) is not None
    assert not hasattr(patterns, "absent")


def foreign(source: str) -> set[str]:
    """The packages that a module imports from outside of patterns and the standard library."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return {
        name
        for name in found
        if name.partition(".")[0] not in sys.stdlib_module_names
        and not f"{name}.".startswith("spectest.patterns.")
    }


def test_patterns_need_the_standard_library_only() -> None:
    assert patterns.__file__ is not None
    modules = list(Path(patterns.__file__).parent.rglob("*.py"))
    assert len(modules) > 5
    assert {path.name: foreign(path.read_text("utf-8")) for path in modules} == {
        path.name: set() for path in modules
    }
    assert foreign("import json\nfrom numpy import x\nimport spectest.errors") == {
        "numpy",
        "spectest.errors",
    }
