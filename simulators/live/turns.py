"""Code and remote side take turns: at each moment the code goes on until it has nothing to do."""

from __future__ import annotations

import asyncio
import math
from typing import Any

from simulators.errors import ScenarioError
from simulators.live.remote import Remote
from simulators.ticks import TICKS

__all__ = ["LAST", "Turns"]

LAST = 2.0**50
"""Up to here, 13 days, the float seconds of an event loop can name each nanosecond."""


class Turns:
    """Calls `Remote.step` in a loop of spectest, and is the clock of the remote side.

    `over`: ends with the run.
    """

    def __init__(self, remote: Remote, loop: Any) -> None:
        self.over: asyncio.Future[None] = loop.create_future()
        self._remote = remote
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._alarm = math.inf
        self._turning = False
        self._quiet = 0
        remote.clock, remote.stir, remote.fail = self.now, self.stir, self.fail

    def now(self) -> float:
        """The present, in ticks."""
        return float(round(self._loop.time() * TICKS))

    def stir(self) -> None:
        """Something has happened at this moment. From any thread."""
        if not self._turning:
            self._turning = True
            self._loop.call_soon_threadsafe(self._turn)

    def fail(self, error: Exception) -> None:
        """The run is over, with an error. From any thread."""
        self._loop.call_soon_threadsafe(self._fail, error)

    def _fail(self, error: Exception) -> None:
        if not self.over.done():
            self.over.set_exception(error)

    def _turn(self) -> None:
        """Quiet twice, for what is due at this very moment joins at the poll between."""
        self._quiet = 0 if self._loop.busy() else self._quiet + 1
        if self._quiet < 2 or self._step():
            self._again()
            return
        self._turning = False
        if self._remote.over and not self.over.done():
            self.over.set_result(None)
        self._arm()

    def _again(self) -> None:
        if self._remote.threads:
            # A loop that waits lets threads go on, and gets its turn when all of them wait, too.
            self._loop.call_at(self._loop.time(), self._turn)
        else:
            self._loop.call_soon(self._turn)

    def _step(self) -> bool:
        self._quiet = 0
        try:
            return self._remote.step()
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is over
            self._fail(error)
            return False

    def _arm(self) -> None:
        """Go on at the next moment of the calendar."""
        moment = self._remote.next
        if moment == self._alarm:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._alarm, self._timer = moment, None
        if moment < LAST:
            # Before what the code has computed from its clock: a plain float is no reading of it.
            self._timer = self._loop.call_at(moment / TICKS, self._rings)
        elif moment < math.inf:
            why = f"is more than spectest's clock can tell, {LAST / TICKS:.0f} s"
            remedy = "use fewer requests or shorter latencies"
            self._fail(ScenarioError("the next moment", moment / TICKS, why, remedy))

    def _rings(self) -> None:
        self._timer, self._alarm = None, math.inf
        self._turning = True
        self._step()
        self._again()
