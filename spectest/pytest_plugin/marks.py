"""Which tests are explored: all that the plugin asks of a test that is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeGuard

import pytest

if TYPE_CHECKING:
    from spectest.pytest_plugin.items import ExploredFunction

__all__ = ["is_explored", "is_marked"]


def is_marked(node: Any) -> bool:
    """Whether a test function is to be explored, by the marker or by the decorator."""
    if not isinstance(node, pytest.Function):
        return False
    if node.get_closest_marker("spectest") is not None:
        return True
    target = getattr(getattr(node.obj, "hypothesis", None), "inner_test", node.obj)
    return hasattr(target, "__spectest__")


def is_explored(item: Any) -> TypeGuard[ExploredFunction]:
    """Whether the item is one of spectest's own."""
    return getattr(type(item), "explores", False) is True
