"""Scenarios as people write them, and as they write them wrongly."""

FREE = """
[[branches]]
name = "llm"
latency = {p50 = 0.6, p99 = 3.0}
timeout = 6.0
cost = {fixed = 0.0002, per_token = 0.00001, tokens = 300}

[[branches]]
name = "backup"
latency = {kind = "LogNormal", median = 0.8, sigma = 0.5}
failure = 0.01

[policy]
kind = "Hedge"
delay = {quantile = 0.95, of = "llm"}
branches = ["llm", "backup"]
"""
"""Requests that share nothing: there is an exact answer."""

POOLED = (
    FREE.replace("timeout = 6.0", 'timeout = 6.0\npool = "gpu"')
    + """
[limiter]
kind = "drop"

[[pools]]
name = "gpu"
capacity = 20

[arrivals]
kind = "Poisson"
rate = 15
"""
)
"""Requests that queue: there is none."""

COLLAPSING = """
[[branches]]
name = "llm"
latency = {kind = "LogNormal", median = 1.0, sigma = 1.0}
pool = "gpu"
cancel = "never"

[[branches]]
name = "again"
latency = {kind = "LogNormal", median = 1.0, sigma = 1.0}
pool = "gpu"
cancel = "never"

[policy]
kind = "Hedge"
delay = {quantile = 0.95}

[[pools]]
name = "gpu"
capacity = 10

[arrivals]
kind = "Poisson"
rate = 2.0
"""
"""Hedges that are never cancelled, and nothing that limits them."""

_TRACE = POOLED.replace('kind = "Poisson"\nrate = 15', 'kind = "Trace"\ntimes = []')

WRONG = {
    "a typo": (
        FREE.replace("timeout", "timout"),
        "branches['llm'].timout is 6.0, which is no field; did you mean 'timeout'?",
    ),
    "a negative rate": (
        POOLED.replace("rate = 15", "rate = -15"),
        "arrivals.rate is -15, which is not above 0; use a positive number, requests a second",
    ),
    "p99 below p50": (
        FREE.replace("p99 = 3.0", "p99 = 0.3"),
        "branches['llm'].latency.p99 is 0.3, which is not greater than p50=0.6; use a larger p99",
    ),
    "a policy that names a missing branch": (
        FREE.replace('branches = ["llm", "backup"]', 'branches = ["llm", "backups"]'),
        "policy.branches is 'backups', which is no branch; did you mean 'backup'?",
    ),
    "an unstable load": (
        POOLED.replace("rate = 15", "rate = 40"),
        "offered load of pools['gpu'] is 1.524, which is more work than it has servers for, so",
    ),
    "an empty trace": (
        _TRACE,
        "arrivals.times is [], which is an empty trace; use the seconds at which requests arrived",
    ),
    "no TOML": ("[policy", "the file is 'wrong.toml', which is no TOML; "),
    "an empty file": ("", "branches is None, which is missing; add it"),
}
"""What is wrong, the file, and how the line begins that says so."""
