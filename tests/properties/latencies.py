"""Hypothesis strategies for every latency, and fixed ones whose draws are compared with moments."""

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from spectest.latency import (
    LLM,
    Constant,
    Empirical,
    Erlang,
    Exponential,
    HyperExponential,
    Latency,
    LogNormal,
    Mixture,
    Pareto,
    Percentiles,
    ShiftedExponential,
    Uniform,
    Weibull,
)


def between(low: float, high: float) -> SearchStrategy[float]:
    return st.floats(low, high, allow_subnormal=False)


seconds = between(0.001, 10)
levels = between(0.05, 0.95)


def shares(count: int) -> SearchStrategy[list[float]]:
    """`count` weights, none of them small, that sum to 1 up to rounding."""
    parts = st.lists(st.integers(1, 9), min_size=count, max_size=count)
    return parts.map(lambda found: [part / sum(found) for part in found])


simple: SearchStrategy[Latency] = st.one_of(
    st.builds(Constant, seconds | st.just(0.0)),
    st.builds(lambda low, width: Uniform(low, low + width), seconds, seconds | st.just(0.0)),
    st.builds(Exponential, seconds),
    st.builds(LogNormal, seconds, between(0.05, 1.5)),
)
measured = st.one_of(
    st.lists(seconds, min_size=1, max_size=12).map(Empirical),
    st.dictionaries(seconds, st.integers(1, 5), min_size=1, max_size=6).map(Empirical),
)


def mixture(parts: list[Latency]) -> SearchStrategy[Latency]:
    return shares(len(parts)).map(lambda weights: Mixture(list(zip(weights, parts, strict=True))))


@st.composite
def tables(draw: st.DrawFn) -> Percentiles:
    ps = sorted(draw(st.lists(levels, min_size=1, max_size=5, unique=True)))
    steps = draw(st.lists(seconds | st.just(0.0), min_size=len(ps), max_size=len(ps)))
    low = draw(seconds)
    times = [low + sum(steps[: place + 1]) for place in range(len(ps))]
    tail = draw(
        st.one_of(
            st.builds(lambda extra: times[-1] + extra, seconds | st.just(0.0)),
            st.builds(lambda alpha: Pareto(times[-1], alpha), between(4.5, 9)),
            st.builds(lambda mean: ShiftedExponential(times[-1], times[-1] + mean), seconds),
        )
    )
    return Percentiles(dict(zip(ps, times, strict=True)), low=low, tail=tail)


tokens = st.one_of(
    st.integers(1, 500),
    st.tuples(st.integers(1, 50), st.integers(0, 3)).map(lambda pair: (pair[0], sum(pair))),
    shares(2).map(lambda weights: {20: weights[0], 90: weights[1]}),
)

LOGNORMAL = st.builds(LogNormal, seconds, between(0.05, 1.0))

FAMILIES: dict[str, SearchStrategy[Latency]] = {
    "constant": st.builds(Constant, seconds),
    "uniform": st.builds(lambda low, width: Uniform(low, low + width), seconds, seconds),
    "exponential": st.builds(Exponential, seconds),
    "shifted": st.builds(lambda s, m: ShiftedExponential(s, s + m), seconds, seconds),
    "lognormal": st.builds(LogNormal, seconds, between(0.05, 1.5)),
    "pareto": st.builds(Pareto, seconds, between(4.5, 9)),
    "weibull": st.builds(Weibull, seconds, between(0.4, 5)),
    "erlang": st.builds(Erlang, st.integers(1, 60), seconds),
    "hyperexponential": st.builds(HyperExponential, shares(2), st.tuples(seconds, seconds)),
    "mixture": st.lists(simple | measured, min_size=1, max_size=3).flatmap(mixture),
    "empirical": measured,
    "percentiles": tables(),
    "llm": st.builds(LLM, simple | measured, tokens, seconds),
    "llm of two": st.builds(LLM, LOGNORMAL, st.integers(1, 500), LOGNORMAL),
}

FIXED: list[Latency] = [
    Constant(0.2),
    Uniform(0.1, 0.3),
    Exponential(0.05),
    ShiftedExponential(0.1, mean=0.15),
    LogNormal.from_percentiles(p50=0.030, p99=0.150),
    Pareto(0.1, alpha=5.0),
    Weibull(0.1, shape=0.7),
    Erlang(4, mean=0.2),
    HyperExponential([0.9, 0.1], [0.05, 1.0]),
    Mixture([(0.95, LogNormal(0.03, sigma=0.5)), (0.05, Uniform(1.0, 3.0))]),
    Mixture({Constant(0.1): 0.9, Constant(0.5): 0.1}),
    Empirical([0.1, 0.2, 0.2, 0.4]),
    Percentiles({0.5: 0.03, 0.9: 0.06, 0.99: 0.15}, low=0.01, tail=0.4),
    LLM(LogNormal(0.3, sigma=0.5), tokens=200, tpot=LogNormal(0.02, sigma=0.3)),
    LLM(LogNormal(0.3, sigma=0.5), tokens={100: 0.7, 300: 0.3}, tpot=0.02),
    LLM(ttft=0.2, tokens=(10, 20), tpot=Exponential(0.02)),
]
