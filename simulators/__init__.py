"""Latency what-ifs: whether racing and hedging are worth it, at a given load and for a given price.

`spectest` asks whether a concurrent pipeline is correct under every timing; this package is about
what the same pipeline costs and saves. Of spectest it shares distributions, keyed draws and
policies.

Everything is imported from its own module: `simulators.scenario` has what a scenario is made of,
`simulators.files` reads and writes it, `simulators.events` and `simulators.fast` are engines,
`simulators.live` is one that runs real code, and `simulators.results` is what they return.
`simulators.exact` answers without simulating where there is a formula, `simulators.estimators`
turns results into numbers with intervals, and `simulators.verdict` says whether it is worth it.
`simulators.fit` makes a scenario of a log, and `simulators.check` compares engines with each other
and models with code. `simulators.what_if` puts numbers beside those of a control, and
`simulators.sweeps` asks many scenarios.

`python -m simulators` is all of it as a command.
"""

__all__: list[str] = []
