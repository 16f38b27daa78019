"""Tables 1.3 and V-E: hedges, with and without cancellation, and branches one after the other."""

import math

import pytest

from simulators.exact.attempts import Attempted, added_sf
from simulators.exact.quadrature import quantile_of
from simulators.exact.races import Alternating, Copula, Eager, Failing, OneByOne, Staggered
from spectest.latency import Constant, Empirical, Exponential, Latency, LogNormal, Pareto, Weibull

LAW = LogNormal(1.0, 1.0)
P95 = LAW.quantile(0.95)
SCORE99 = 2.3263478740408408


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


def hedged(delay: float, lingers: float = 0.0, law: Latency = LAW) -> Staggered:
    return Staggered([Attempted(law, lingers=lingers)] * 2, delay)


def work(race: Staggered) -> float:
    return race.work(0) + race.work(1)


@pytest.mark.parametrize(
    "q, launched, wins, mean, p99, p999, cut, whole",
    [
        (0.00, 1.00, 0.5, 0.790562, 3.602224, 6.407449, 1.581124, 3.297443),
        (0.50, 0.50, 0.238866, 1.141629, 4.120474, 6.919342, 1.521680, 2.473082),
        (0.75, 0.25, 0.132431, 1.313748, 4.653816, 7.434731, 1.522758, 2.060902),
        (0.90, 0.10, 0.059472, 1.460660, 5.636652, 8.362024, 1.553965, 1.813593),
        (0.95, 0.05, 0.031937, 1.529895, 6.666581, 9.312947, 1.579917, 1.731157),
        (0.99, 0.01, 0.007240, 1.610204, 10.240474, 12.719016, 1.621561, 1.665208),
    ],
)
def test_a_delayed_hedge(
    q: float, launched: float, wins: float, mean: float, p99: float, p999: float, cut: float,
    whole: float,
) -> None:  # fmt: skip
    race = hedged(LAW.quantile(q))
    assert race.launched(1) == pytest.approx(launched, abs=1e-12)
    assert race.wins(1) == near(wins)
    assert race.mean == near(mean)
    assert [race.quantile(0.99), race.quantile(0.999)] == [near(p99), near(p999)]
    assert work(race) == near(cut)
    assert work(hedged(LAW.quantile(q), lingers=math.inf)) == near(whole)


def test_a_cancellation_that_takes_a_while_costs_something_in_between() -> None:
    cut, late, whole = (work(hedged(P95, lingers)) for lingers in (0.0, 0.5, math.inf))
    assert cut < late < whole


def test_hedging_exponential_work_is_exactly_neutral() -> None:
    race = hedged(1.0, law=Exponential(1.0))
    assert race.mean == near(0.816060)
    assert work(race) == pytest.approx(1.0, abs=1e-11)
    assert race.quantile(0.99) == near(2.802585)


@pytest.mark.parametrize(
    "r, p99, eager",
    [
        (0.0, 6.666581, 3.602224), (0.3, 7.475368, 4.664428), (0.5, 8.171023, 5.541790),
        (0.8, 9.525774, 7.342170), (0.95, 10.211012, 8.854958), (1.0, 10.240474, 10.240474),
    ],
)  # fmt: skip
def test_correlated_branches(r: float, p99: float, eager: float) -> None:
    pair = [Attempted(LAW)] * 2
    assert Copula(pair, P95, r).quantile(0.99) == near(p99)
    assert Copula(pair, 0.0, r).quantile(0.99) == near(eager)


def test_the_ends_of_correlation_are_independence_and_no_hedge_at_all() -> None:
    pair = [Attempted(LAW)] * 2
    assert Copula(pair, P95, 0.0).mean == pytest.approx(hedged(P95).mean, abs=1e-11)
    assert Copula(pair, P95, 1.0).mean == pytest.approx(LAW.mean, abs=1e-10)
    busy = Copula(pair, P95, 0.0)
    assert busy.work(0) + busy.work(1) == pytest.approx(work(hedged(P95)), abs=1e-11)


@pytest.mark.parametrize(
    "sigma, sequential, parallel, faster",
    [
        (0.1, 174.37, 150.00, 1.0000), (0.25, 168.02, 150.00, 1.0000),
        (0.5, 161.33, 150.00, 0.9886), (0.8, 157.13, 150.03, 0.9226), (1.0, 155.78, 150.23, 0.8724),
    ],
)  # fmt: skip
def test_percentiles_do_not_add_up(
    sigma: float, sequential: float, parallel: float, faster: float
) -> None:
    one, two = (LogNormal(p99 / math.exp(sigma * SCORE99), sigma) for p99 in (30, 150))
    assert quantile_of(lambda t: added_sf(one, two, t), 0.99, 0, 150) == near(sequential, 2)
    both = Alternating([Attempted(one), Attempted(two)], wait_for_all=True)
    assert both.quantile(0.99) == near(parallel, 2)
    assert Eager([Attempted(one), Attempted(two)]).wins(0) == near(faster, 4)


def test_percentiles_of_exponential_branches_do_not_add_up_either() -> None:
    one, two = (Exponential(p99 / math.log(100)) for p99 in (30, 150))
    assert quantile_of(lambda t: added_sf(one, two, t), 0.99, 0, 150) == near(157.268, 3)


def test_percentiles_add_up_for_comonotone_branches_only() -> None:
    one, two = (LogNormal(p99 / math.exp(0.5 * SCORE99), 0.5) for p99 in (30, 150))
    found = [
        quantile_of(lambda t, r=r: added_sf(one, two, t, r), 0.99, 0, 150)  # type: ignore[misc]
        for r in (0.0, 0.5, 0.9, 1.0)
    ]
    assert found == sorted(found)
    assert found[1:3] == [near(169.53, 2), near(177.8, 1)]
    assert found[3] == pytest.approx(180, abs=1e-6)
    gains = [1 - 150 / seconds for seconds in found]
    assert gains == [near(0.0702, 4), near(0.115, 3), near(0.156, 3), near(0.1667, 4)]


@pytest.mark.parametrize(
    "fast, slow, gains, cut, whole",
    [
        (0.25, 0.25, (0.020, 0.074, 0.104, 0.033), 1.93, 2.44),
        (0.5, 0.5, (0.040, 0.143, 0.198, 0.076), 1.85, 3.08),
        (1.0, 1.0, (0.078, 0.265, 0.356, 0.195), 1.61, 5.33),
        (1.5, 0.3, (0.000, 0.546, 0.783, 0.441), 1.12, 2.66),
        (0.3, 1.5, (0.058, 0.037, 0.035, 0.077), 1.85, 15.4),
    ],
)
def test_one_win_rate_goes_with_any_gain(
    fast: float, slow: float, gains: tuple[float, ...], cut: float, whole: float
) -> None:
    one = LogNormal(1.0, fast)
    two = LogNormal(math.exp(1.0364333894937898 * math.hypot(fast, slow)), slow)
    race = Eager([Attempted(one), Attempted(two)])
    assert race.wins(0) == pytest.approx(0.85, abs=1e-9)
    found = [1 - race.quantile(p) / one.quantile(p) for p in (0.5, 0.95, 0.99)]
    assert [*found, 1 - race.mean / one.mean] == [near(gain, 3) for gain in gains]
    assert (race.work(0) + race.work(1)) / one.mean == near(cut, 2)
    assert (one.mean + two.mean) / one.mean == near(whole, 1 if whole > 10 else 2)


def test_the_win_rate_is_the_gain_for_exponential_branches() -> None:
    one, two = Exponential(1.0), Exponential(0.85 / 0.15)
    race = Eager([Attempted(one), Attempted(two)])
    for p in (0.5, 0.95, 0.99):
        assert 1 - race.quantile(p) / one.quantile(p) == pytest.approx(0.15, abs=1e-9)
    assert (race.work(0) + race.work(1)) / one.mean == pytest.approx(1.7, abs=1e-9)


def test_a_cascade_gains_most_where_the_first_branch_wins_nearly_always() -> None:
    one, two = (LogNormal(p99 / math.exp(0.5 * SCORE99), 0.5) for p99 in (30, 150))
    gains = {0: 0.070, 0.5: 0.0798, 0.85: 0.103, 0.95: 0.136, 0.98: 0.1796, 0.995: 0.060}
    for valid, gain in gains.items():
        pair = [Attempted(one, valid), Attempted(two)]
        control, race = OneByOne(pair), Eager(pair)
        assert 1 - race.quantile(0.99) / control.quantile(0.99) == pytest.approx(gain, abs=0.0006)
        assert control.launched(1) == pytest.approx(1 - valid)
        if valid == 0.98:
            assert race.wins(0) == near(0.969, 3)
            assert race.work(1) / control.work(1) == pytest.approx(10.8, abs=0.1)


def test_how_many_slots_a_pair_holds_at_a_hundred_requests_a_second() -> None:
    one, two = (LogNormal(p99 / math.exp(0.5 * SCORE99), 0.5) for p99 in (0.030, 0.150))
    assert 100 * two.mean == near(5.31, 2)
    left = Eager([Attempted(one, lingers=math.inf), Attempted(two, lingers=math.inf)])
    assert 100 * (left.work(0) + left.work(1)) == near(6.37, 2)
    cut = Eager([Attempted(one), Attempted(two)])
    assert 100 * (cut.work(0) + cut.work(1)) == near(2.11, 2)


def test_a_timeout_slightly_above_the_99th_percentile_fires_in_vain() -> None:
    given_up = OneByOne([Attempted(LAW, timeout=1.1 * LAW.quantile(0.99))])
    assert given_up.unanswered == near(0.00772, 5)


def test_a_backup_of_a_primary_that_never_fails_is_a_plain_hedge() -> None:
    failing = Failing(Attempted(LAW), Attempted(LAW), P95)
    plain = hedged(P95)
    assert failing.mean == pytest.approx(plain.mean, abs=1e-11)
    assert [failing.work(i) for i in (0, 1)] == pytest.approx([plain.work(i) for i in (0, 1)])


def test_a_backup_that_waits_for_ever_is_one_after_the_other() -> None:
    pair = [Attempted(LAW, 0.8, timeout=3.0), Attempted(Weibull(1.0, 0.7), 0.9)]
    failing, in_turn = Failing(pair[0], pair[1], delay=1e3), OneByOne(pair)
    assert failing.unanswered == pytest.approx(in_turn.unanswered, abs=1e-12)
    assert failing.quantile(0.9) == pytest.approx(in_turn.quantile(0.9), rel=1e-9)
    assert failing.mean == pytest.approx(in_turn.mean, rel=1e-9)
    assert failing.work(1) == pytest.approx(in_turn.work(1), rel=1e-9)


def test_a_backup_without_delay_is_an_eager_race() -> None:
    pair = [Attempted(LAW, 0.8, timeout=3.0, lingers=0.2), Attempted(LAW, 0.9)]
    failing, eager = Failing(pair[0], pair[1], delay=0.0), Eager(pair)
    assert failing.mean == pytest.approx(eager.mean, rel=1e-10)
    assert [failing.work(i) for i in (0, 1)] == pytest.approx([eager.work(i) for i in (0, 1)])


def test_a_window_of_nothing_is_first_valid_and_an_endless_one_waits_for_all() -> None:
    pair = [Attempted(LAW, 0.8), Attempted(Exponential(2.0), 0.9)]
    assert Eager(pair, window=1e-12).quantile(0.9) == pytest.approx(Eager(pair).quantile(0.9))
    waiting = Alternating(pair, wait_for_all=True)
    assert Eager(pair, window=1e9).quantile(0.9) == pytest.approx(waiting.quantile(0.9), rel=1e-9)
    assert waiting.work(0) == pytest.approx(LAW.mean)


def test_the_slower_of_two_heavy_tails_has_its_mean_to_the_last_digits() -> None:
    """Far out, one minus a product of distribution functions has no digits left."""
    pair = [Attempted(Pareto(1.0, alpha=2.0))] * 2
    assert Alternating(pair, wait_for_all=True).mean == pytest.approx(8 / 3, abs=1e-12)
    assert Alternating(pair, wait_for_all=False).mean == pytest.approx(2.0, abs=1e-12)


def test_ranked_equals_it_at_once_half_the_time() -> None:
    pair = [Attempted(Constant(1.0)), Attempted(Constant(3.0))]
    race = Alternating(pair, wait_for_all=False)
    assert race.mean == pytest.approx(2.0)
    assert [race.work(0), race.work(1)] == pytest.approx([1.0, 2.0])


def test_measured_latencies_are_steps() -> None:
    measured = Empirical([1.0, 2.0, 4.0])
    race = hedged(2.5, law=measured)
    # 1, 2, or 4 against 2.5 + (1, 2 or 4)
    assert race.mean == pytest.approx((1 + 2 + (3.5 + 4 + 4) / 3) / 3, abs=1e-12)
    assert race.quantile(0.8) == 4.0
    assert work(race) == pytest.approx(race.mean + (1 + 1.5 + 1.5) / 9, abs=1e-12)


def test_the_share_of_a_service_that_is_done() -> None:
    race = Eager([Attempted(Constant(4.0)), Attempted(Constant(1.0))])
    assert [race.share(0), race.share(1)] == pytest.approx([0.25, 1.0])
    alone = OneByOne([Attempted(LAW)])
    assert alone.share(0) == pytest.approx(1.0)
    cut = hedged(P95)
    assert cut.share(1) < cut.launched(1)
