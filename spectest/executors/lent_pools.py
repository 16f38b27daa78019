"""While a run lasts, `ProcessPoolExecutor` is the world's: in a world it starts no processes.

The class stays the same object, since programs have imported it by name, and only its `__init__`
and `submit` are exchanged. A program that never imports it does not do so because of us: whoever
imports it during the run makes the class, and a class derived from `Executor` is noticed.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

from spectest.threads.agents import current

__all__ = ["process_pools_lent"]

_MODULE = "concurrent.futures.process"


@contextmanager
def process_pools_lent() -> Iterator[None]:
    """For the threads of a world, process pools are virtual while the block lasts.

    Code outside of worlds gets real ones by the same name. Afterwards a pool that was made before
    is what it was.
    """
    lent: list[_Lent] = []
    noticing = vars(Executor).get("__init_subclass__")

    def notice(kind: Any, /, **options: Any) -> None:
        super(Executor, kind).__init_subclass__(**options)
        if kind.__module__ == _MODULE and Executor in kind.__bases__:
            lent.append(_Lent(kind))

    known = sys.modules.get(_MODULE)
    if known is not None:
        lent.append(_Lent(known.ProcessPoolExecutor))
    base: Any = Executor
    base.__init_subclass__ = classmethod(notice)
    try:
        yield
    finally:
        if noticing is None:
            del base.__init_subclass__
        else:
            base.__init_subclass__ = noticing
        while lent:
            lent.pop().give_back()


class _Lent:
    """The stock class with other insides."""

    def __init__(self, kind: Any) -> None:
        self._kind = kind
        self._before = {name: vars(kind)[name] for name in ("__init__", "submit")}
        kind.__init__ = _making(kind.__init__)
        kind.submit = _submitting(kind.submit)

    def give_back(self) -> None:
        for name, before in self._before.items():
            setattr(self._kind, name, before)
        pools = sys.modules.get("spectest.executors.process_pool")
        if pools is not None:
            pools.restore()


def _making(real: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(real)
    def make(self: Any, *args: Any, **kwargs: Any) -> None:
        if current() is None:
            real(self, *args, **kwargs)
            return
        from spectest.executors.process_pool import VirtualProcessPool, become_virtual

        become_virtual(self)
        VirtualProcessPool.__init__(self, *args, **kwargs)

    return make


def _submitting(real: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(real)
    def submit(self: Any, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        agent = current()
        if agent is None:
            return real(self, fn, *args, **kwargs)
        from spectest.executors.process_pool import VirtualProcessPool, settle

        if isinstance(self, VirtualProcessPool):
            return real(self, fn, *args, **kwargs)
        return VirtualProcessPool.submit(settle(self, agent), fn, *args, **kwargs)

    return submit
