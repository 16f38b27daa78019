"""Latency what-ifs: whether racing and hedging are worth it, at a given load and for a given price.

`spectest` asks whether a concurrent pipeline is correct under every timing; this package is about
what the same pipeline costs and saves. The two share `spectest.patterns.policies` and nothing else.

It offers nothing to import beyond this docstring.
"""

__all__: list[str] = []
