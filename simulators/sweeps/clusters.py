"""A Dask cluster as a crew: workers on many machines, through the interface of an executor.

Dask gives the jobs of a worker that died to another one by itself, a few times; after that it is up
to the sweep.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from simulators.errors import ScenarioError

__all__ = ["Cluster"]

_PATIENCE = "10s"


class Cluster:
    """The cluster at `dask://host:port`, or for `dask://` one of this machine's cores."""

    def __init__(self, address: str) -> None:
        try:
            distributed: Any = importlib.import_module("distributed")
        except ImportError:
            why, remedy = "needs the package distributed", "pip install spectest[dask]"
            raise ScenarioError("pool", address, why, remedy) from None
        place = address.removeprefix("dask://")
        self.losses: tuple[type[BaseException], ...] = (distributed.KilledWorker,)
        self._cluster: Any = None
        try:
            if not place:
                self._cluster = distributed.LocalCluster(
                    threads_per_worker=1, dashboard_address=None
                )
            self._client: Any = distributed.Client(
                self._cluster or f"tcp://{place}", timeout=_PATIENCE, set_as_default=False
            )
        except (OSError, ValueError) as error:
            told = " ".join(str(error).split())
            remedy = "start it with `dask scheduler`, and give its host:port"
            raise ScenarioError("pool", address, f"does not answer ({told})", remedy) from None
        self._executor = self._client.get_executor(pure=False)
        self.size = max(sum(self._client.nthreads().values()), 1)
        self.window = 64 * self.size

    def submit(self, job: Callable[..., Any], *arguments: Any) -> Future[Any]:
        """Hand out a job."""
        future: Future[Any] = self._executor.submit(job, *arguments)
        return future

    def renew(self) -> None:
        """The scheduler finds other workers."""

    def close(self, *, now: bool) -> None:
        """Leave the cluster; the jobs of a client that left are dropped."""
        self._executor.shutdown(wait=not now)
        self._client.close()
        if self._cluster is not None:
            self._cluster.close()
