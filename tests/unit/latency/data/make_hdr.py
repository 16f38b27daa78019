"""Made `sample.hlog` and `sample.hgrm`: `pip install hdrhistogram==0.10.8`, then run this file.

The lines of `expected.json` are what HdrHistogram itself says about the same values.
"""

import json
import random
from pathlib import Path

from hdrh.histogram import HdrHistogram
from hdrh.log import HistogramLogWriter

HERE = Path(__file__).parent
PERCENTILES = (1, 25, 50, 90, 99, 99.9, 100)

draws = random.Random(20)
whole = HdrHistogram(1, 60_000_000, 3)
with (HERE / "sample.hlog").open("w") as file:
    writer = HistogramLogWriter(file)
    writer.output_comment("[Logged with hdrhistogram 0.10.8, microseconds]")
    writer.output_log_format_version()
    writer.output_legend()
    for second in range(3):
        interval = HdrHistogram(1, 60_000_000, 3)
        for _ in range(500):
            interval.record_value(int(draws.lognormvariate(10.3, 0.7)))
        interval.record_value(30_000_000)
        writer.output_interval_histogram(interval, 1 + second, 2 + second)
        whole.add(interval)

with (HERE / "sample.hgrm").open("wb") as file:
    whole.output_percentile_distribution(file, 1000.0)

expected = {
    "count": whole.get_total_count(),
    "mean_us": whole.get_mean_value(),
    "percentiles_us": {str(p): whole.get_value_at_percentile(p) for p in PERCENTILES},
}
(HERE / "expected.json").write_text(json.dumps(expected, indent=2) + "\n")
