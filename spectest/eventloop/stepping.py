"""Under the order model `any`, the ready queue is no queue: any chain's first callback may go."""

from __future__ import annotations

import asyncio
from collections import deque

from spectest.eventloop import waiting
from spectest.eventloop.tasks import number_of
from spectest.kernel.steps import Step, Steps

__all__ = ["bring_to_front"]


def bring_to_front(ready: deque[asyncio.Handle], steps: Steps) -> None:
    """Put the callback that goes next at the head of `ready`."""
    while ready[0]._cancelled and len(ready) > 1:
        ready.popleft()
    chains: dict[object, int] = {}
    first: list[Step] = []
    for place, handle in enumerate(ready):
        step = getattr(handle, "step", None)
        task = waiting.task_of(handle)
        if step is None:
            name = waiting.label_of(task) if task is not None else "callback"
            step = steps.step(name, number_of(task))
            handle.step = step  # type: ignore[attr-defined]
        if not handle._cancelled and chains.setdefault(task or step, place) == place:
            first.append(step)
    if first:
        place = list(chains.values())[steps.pick(first)]
        ready.rotate(-place)
        handle = ready.popleft()
        ready.rotate(place)
        ready.appendleft(handle)
