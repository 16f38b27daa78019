"""Tables 1.1: values known to the digits given, each from more than one source."""

import math

import pytest

from simulators.exact import queues
from simulators.exact.attempts import moment
from simulators.exact.quadrature import tail_integral
from simulators.exact.queues import MMC, MD1Wait
from spectest.latency import Constant, Erlang, HyperExponential, Latency, LogNormal, Pareto


def near(value: float, digits: int = 6) -> object:
    return pytest.approx(value, abs=0.51 * 10**-digits)


def test_one_server_has_an_exponential_time_to_the_answer() -> None:
    queue = MMC(rate=0.8)
    assert queue.mean == pytest.approx(5, abs=1e-12)
    assert queue.mean_wait == pytest.approx(4, abs=1e-12)
    for p in (0.5, 0.95, 0.99, 0.999):
        assert queue.quantile(p) == pytest.approx(-math.log1p(-p) / 0.2, rel=1e-12)
    assert queue.wait_quantile(0.99) == near(21.910133)
    assert queue.wait_quantile(0.1) == 0


@pytest.mark.parametrize(
    "servers, rate, waits, mean_wait, p99",
    [
        (2, 1.6, 0.711111, 1.777778, 11.937370),
        (3, 2.4, 0.647191, 1.078652, 8.455477),
        (10, 8.0, 0.409180, 0.204590, 4.946111),
        (10, 9.0, 0.668732, 0.668732, 6.249877),
        (20, 16.0, 0.256078, 0.064019, 4.687081),
        (20, 14.0, 0.093561, 0.015594, 4.623710),
    ],
)
def test_several_servers(
    servers: int, rate: float, waits: float, mean_wait: float, p99: float
) -> None:
    queue = MMC(rate, servers=servers)
    assert queue.waits == near(waits)
    assert queue.mean_wait == near(mean_wait)
    assert queue.quantile(0.99) == near(p99)
    assert tail_integral(queue.sf, 0, 1) == pytest.approx(queue.mean, rel=1e-10)


def test_the_law_is_continuous_where_the_two_rates_meet() -> None:
    meeting = MMC(rate=9.0, servers=10)  # spare capacity: exactly one service a second
    beside = MMC(rate=9.0 + 1e-9, servers=10)
    assert meeting.sf(3.0) == pytest.approx(beside.sf(3.0), rel=1e-6)


H2 = HyperExponential(
    [(1 + math.sqrt(0.6)) / 2, (1 - math.sqrt(0.6)) / 2],
    [1 / (1 + math.sqrt(0.6)), 1 / (1 - math.sqrt(0.6))],
)


@pytest.mark.parametrize(
    "law, mean_wait, variance",
    [
        (Constant(1.0), 1.166667, 2.138889),
        (Erlang(2, 1.0), 1.75, 5.395833),
        (LogNormal(math.exp(-0.5), 1.0), 3.171329, 25.679411),
        (H2, 5.833333, 80.694444),
    ],
)
def test_a_general_service_at_one_server(law: Latency, mean_wait: float, variance: float) -> None:
    moments = [moment(law, power) for power in (1, 2, 3)]
    mean, second = queues.pollaczek_khinchine(0.7, *moments)
    assert mean == near(mean_wait)
    assert second - mean**2 == near(variance)


def test_a_heavy_tail_has_a_mean_wait_without_a_variance() -> None:
    law = Pareto(0.6, alpha=2.5)
    mean, second = queues.pollaczek_khinchine(0.5, *(moment(law, power) for power in (1, 2, 3)))
    assert mean == pytest.approx(0.9, abs=1e-9)
    assert second == math.inf


def test_the_wait_for_a_constant_service() -> None:
    wait = MD1Wait(0.7)
    assert wait.cdf(0) == pytest.approx(0.3, abs=1e-15)
    assert [wait.quantile(p) for p in (0.5, 0.95, 0.99)] == [
        near(0.729751), near(4.102898), near(6.485499),
    ]  # fmt: skip
    assert wait.quantile(0.3) == 0
    assert tail_integral(wait.sf, 0, 1, range(40)) == pytest.approx(wait.mean, abs=1e-10)


def test_the_stable_series_is_the_alternating_one() -> None:
    def alternating(t: float, load: float = 0.7) -> float:
        terms = (
            (load * (k - t)) ** k * math.exp(-load * (k - t)) / math.factorial(k)
            for k in range(int(t) + 1)
        )
        return (1 - load) * math.fsum(terms)

    for t in (0.0, 0.3, 1.0, 2.5, 7.9):
        assert MD1Wait(0.7).cdf(t) == pytest.approx(alternating(t), abs=1e-11)
    # Beyond, the alternating one has lost its digits, and probabilities stay below 1.
    assert 1 - 1e-15 <= MD1Wait(0.7).cdf(150.0) <= 1


def test_the_wait_scales_with_the_service() -> None:
    assert MD1Wait(7.0, service=0.1).quantile(0.99) == pytest.approx(
        MD1Wait(0.7).quantile(0.99) / 10, rel=1e-12
    )


def test_regular_arrivals() -> None:
    root = queues.dm1_root(0.8)
    assert root == near(0.628630)
    assert root / (1 - root) == near(1.692731)
    assert math.log(100) / (1 - root) == near(12.400484)


@pytest.mark.parametrize(
    "servers, load, loss",
    [
        (10, 5, 0.018385), (10, 7, 0.078741), (10, 10, 0.214582), (10, 14, 0.377285),
        (10, 20, 0.537963), (20, 10, 0.001869), (20, 14, 0.030035), (20, 20, 0.158892),
    ],
)  # fmt: skip
def test_loss(servers: int, load: float, loss: float) -> None:
    assert queues.erlang_b(servers, load) == near(loss)
    states = [load**n / math.factorial(n) for n in range(servers + 1)]
    assert queues.erlang_b(servers, load) == pytest.approx(states[-1] / sum(states), rel=1e-13)


def test_a_waiting_room_with_an_end() -> None:
    assert queues.mm1k(0.8, 10) == (near(0.023493), near(2.966314))


def test_impatience() -> None:
    gives_up, waits, _ = queues.erlang_a(10, 10, patience=1.0)
    assert gives_up == near(0.125110)
    assert waits == near(0.542070)
    assert waits == pytest.approx(
        1 - sum(math.exp(-10) * 10**n / math.factorial(n) for n in range(10))
    )
    gives_up, _, mean_wait = queues.erlang_a(12, 10, patience=2.0)
    assert gives_up == near(0.195656)
    assert mean_wait == near(0.391312)


def test_great_patience_is_a_queue_and_none_is_loss() -> None:
    assert queues.erlang_a(8, 10, patience=1e7)[1] == pytest.approx(MMC(8, 1, 10).waits, rel=1e-5)
    assert queues.erlang_a(8, 10, patience=1e-9)[0] == pytest.approx(
        queues.erlang_b(10, 8), rel=1e-5
    )


def test_sharing_tandem_and_pools() -> None:
    assert queues.processor_sharing(0.7) == near(3.333333)
    assert queues.tandem(0.5, 1.0, 1.25) == pytest.approx(16 / 3, abs=1e-12)
    found = [queues.poisson_quantile(load, p) for load in (5, 10) for p in (0.5, 0.99, 0.999)]
    assert found == [5, 11, 13, 10, 18, 21]


@pytest.mark.parametrize(
    "load, alone, doubled", [(3, 8, 13), (5, 11, 18), (10, 18, 30), (20, 30, 53), (50, 64, 117)]
)
def test_twice_the_load_needs_less_than_twice_the_pool(load: int, alone: int, doubled: int) -> None:
    assert (queues.servers_for(load, 0.01), queues.servers_for(2 * load, 0.01)) == (alone, doubled)
    assert queues.erlang_b(alone, load) <= 0.01 < queues.erlang_b(alone - 1, load)


def test_what_has_no_steady_state_is_refused() -> None:
    with pytest.raises(ValueError, match=r"utilisation is 1\.2; .* use a lower rate"):
        MMC(rate=1.2)
    with pytest.raises(ValueError, match="utilisation is 1;"):
        queues.pollaczek_khinchine(1.0, 1.0, 1.0)
