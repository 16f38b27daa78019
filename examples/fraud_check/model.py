"""What goes into a fraud check and what comes out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Payment:
    id: str
    cents: int


@dataclass(frozen=True)
class Decision:
    action: str
    decided_by: str
