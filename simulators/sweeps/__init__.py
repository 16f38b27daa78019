"""Many scenarios at once: a grid over any field, simulated everywhere, written to one file.

    grid = sweeps.Grid(scenario, {"hedge": "p50..p99:20", "load": [0.3, 0.6]})
    rows = sweeps.run(grid, "sweep.jsonl", n=100_000, pool="processes")

All points are checked before anything runs. A sweep that is interrupted goes on where it was, and
its file does not tell how often that happened, or who did the work.
"""

from simulators.sweeps.axes import Axis
from simulators.sweeps.grid import Grid, Point
from simulators.sweeps.running import Row, read, run

__all__ = ["Axis", "Grid", "Point", "Row", "read", "run"]
