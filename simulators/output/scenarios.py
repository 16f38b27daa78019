"""A scenario as the text of a file, with a line that says where it is from."""

from __future__ import annotations

from pathlib import Path

from simulators.files import to_json, to_toml
from simulators.scenario import Scenario

__all__ = ["text_of"]


def text_of(scenario: Scenario, place: Path, origin: str) -> str:
    """TOML, or JSON if the name ends in it; JSON has no comments, and so no origin."""
    if place.suffix == ".json":
        return to_json(scenario)
    return f"# {origin}\n{to_toml(scenario)}"
