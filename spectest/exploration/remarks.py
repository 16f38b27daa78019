"""What a clean search has to say about settings that named something nobody ever met."""

from __future__ import annotations

from spectest.kernel.mentions import FIRED, JOBS, OFFERED, TRUE, Mentions

__all__ = ["of"]

_MOST_JOBS = 5


def of(mentions: Mentions) -> tuple[str, ...]:
    """One sentence for each name that the program never came to."""
    return (
        *(f"lines={name!r}: {_no_line(name)}" for name in mentions.unmet("lines")),
        *(
            f"{setting}={name}: no such job was submitted{_others(mentions.met(JOBS))}"
            for setting in ("hangs", "dies")
            for name in mentions.unmet(setting)
        ),
        *(
            f"the fault `{name}` never fired: {_no_call(mentions, name)}"
            for name in mentions.unmet(FIRED)
        ),
        *(f'`sometimes("{name}")` was never true' for name in mentions.unmet(TRUE)),
    )


def _no_call(mentions: Mentions, name: str) -> str:
    if name in mentions.met(OFFERED):
        return "there were calls that it may hit, and the search tried none"
    return "there was no call that it may hit"


def _no_line(name: str) -> str:
    if name == "*":
        return "no line of a file of your own ran"
    return (
        "no line of such a module ran; modules are named as in sys.modules, and a script that is "
        "run is `__main__`"
    )


def _others(jobs: tuple[str, ...]) -> str:
    if not jobs:
        return ""
    first = ", ".join(sorted(jobs)[:_MOST_JOBS])
    return f"; there were {first}{', ...' if len(jobs) > _MOST_JOBS else ''}"
