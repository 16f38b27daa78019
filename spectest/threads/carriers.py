"""Carriers are real threads that run one function after another, each as if in a new thread.

Starting a thread costs some thirty times as much as waking one, and an exploration starts the same
threads hundreds of times. Between two functions a carrier forgets what a thread has of its own: its
thread-locals, its trace function, its place in `threading`'s list of the living.
"""

from __future__ import annotations

import _thread
import asyncio
import ctypes
import gc
import sys
import threading
import weakref
from collections.abc import Callable
from contextvars import Context
from typing import Any

__all__ = ["Carrier", "Carriers", "forget_thread", "run_afresh"]

_allocate_lock = _thread.allocate_lock
_start_new_thread = _thread.start_new_thread
# CPython keeps thread-locals in a dictionary of the thread, which only its C interface tells.
_address_of_thread_dict = ctypes.pythonapi.PyThreadState_GetDict
_address_of_thread_dict.restype = ctypes.c_void_p
_address_of_thread_dict.argtypes = []
_RUNNING_LOOP = "__asyncio_running_event_loop__"
_PATIENCE_S = 1.0


class Carrier:
    """One real thread. It stands at its `gate`, a lock that whoever lets it go on releases."""

    __slots__ = ("_ended", "_function", "gate", "ident")

    def __init__(self) -> None:
        self.gate = _allocate_lock()
        self.gate.acquire()
        self._ended = _allocate_lock()
        self._ended.acquire()
        self._function: Callable[[], None] | None = None
        self.ident = _start_new_thread(self._run, ())

    def load(self, function: Callable[[], None]) -> None:
        """What to run when the gate opens. `function` itself hands on to others at its end."""
        self._function = function

    def _run(self) -> None:
        while True:
            self.gate.acquire()
            function, self._function = self._function, None
            if function is None:
                break
            function()
            del function
        forget_thread()
        self._ended.release()

    def end(self) -> None:
        """Let the thread end; it must have nothing to run."""
        self.gate.release()
        self._ended.acquire(True, _PATIENCE_S)


class Carriers:
    """The idle carriers of a process."""

    __slots__ = ("_ended", "_idle")

    def __init__(self) -> None:
        self._ended = False
        self._idle: list[Carrier] = []

    def take(self) -> Carrier:
        """An idle one, else a new one."""
        return self._idle.pop() if self._idle else Carrier()

    def give_back(self, carrier: Carrier) -> None:
        """It has nothing to run any more, or is about to return from its function."""
        if self._ended:
            carrier.gate.release()  # It comes too late, and ends by itself.
        else:
            self._idle.append(carrier)

    def end(self) -> None:
        """End all that are idle; others end as soon as they are."""
        self._ended = True
        while self._idle:
            self._idle.pop().end()


def run_afresh(call: list[Any]) -> None:
    """Do the call as a new thread would: in an empty context, and with nothing left behind.

    `call`: a function, its arguments and its keyword arguments. Nobody else may keep them: they die
    here, while their thread still runs, and not whenever the carrier is done with them.
    """
    function, args, kwargs = call
    call.clear()
    try:
        Context().run(function, *args, **kwargs)
    finally:
        del function, args, kwargs
        sys.settrace(None)
        sys.setprofile(None)
        sys.set_asyncgen_hooks(None, None)
        sys.set_coroutine_origin_tracking_depth(0)
        forget_thread()
        forget_thread_locals()


def forget_thread() -> None:
    """Whoever called `threading.current_thread()` here has made `threading` remember a thread."""
    threading._active.pop(_thread.get_ident(), None)  # type: ignore[attr-defined]


def forget_thread_locals() -> None:
    """What a thread keeps in `threading.local` objects and in C extensions goes, as at its end."""
    _forget_values()
    asyncio._set_running_loop(None)
    address = _address_of_thread_dict()
    if address:
        belongings: dict[object, object] = ctypes.cast(address, ctypes.py_object).value
        # asyncio remembers the address of what it keeps under its name, so that it must stay.
        for name in [name for name in belongings if name != _RUNNING_LOOP]:
            belongings.pop(name, None)


def _forget_values() -> None:
    """Since CPython 3.13 each `threading.local` has the values of all threads.

    It watches an object of each thread, which dies with the thread, and then drops the values. So
    each is told that this object has died. A new `threading.local` has those of its maker only.
    """
    for referent in gc.get_referents(threading.local()):
        if type(referent) is set:
            for watch in list(referent):
                _tell_that_it_died(watch())


def _tell_that_it_died(watched: Any) -> None:
    for watch in weakref.getweakrefs(watched) if watched is not None else ():
        if watch.__callback__ is not None:
            watch.__callback__(watch)
