"""What a clean search has to say about settings that named something nobody ever met."""

from __future__ import annotations

from spectest.kernel.mentions import Mentions

__all__ = ["of"]


def of(mentions: Mentions) -> tuple[str, ...]:
    """One sentence for each name that the program never came to."""
    return tuple(
        f"lines={name!r}: no line of such a module ran; modules are named as in sys.modules, and a "
        "script that is run is `__main__`"
        if name != "*"
        else "lines='*': no line of a file of your own ran"
        for name in mentions.unmet("lines")
    )
