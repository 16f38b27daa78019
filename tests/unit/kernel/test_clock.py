import pickle

import pytest

from spectest.errors import InternalError
from spectest.kernel.clock import FOREVER_NS, Instant, VirtualClock, seconds_to_ns


@pytest.mark.parametrize(
    "seconds, ns",
    [
        (0.0, 0),
        (0.1 + 0.2, 300_000_000),
        (0.3, 300_000_000),
        (1e-9, 1),
        (0.4e-9, 0),
        (-0.001, -1_000_000),
        (86_400.000_000_001, 86_400_000_000_001),
    ],
)
def test_seconds_become_the_nearest_nanosecond(seconds: float, ns: int) -> None:
    assert seconds_to_ns(seconds) == ns


@pytest.mark.parametrize("seconds", [float("inf"), 1e10, 1e300])
def test_what_is_centuries_away_is_forever(seconds: float) -> None:
    assert seconds_to_ns(seconds) == FOREVER_NS


def test_what_is_no_number_is_no_moment() -> None:
    with pytest.raises(ValueError, match="NaN"):
        seconds_to_ns(float("nan"))


def test_the_clock_starts_at_zero_and_stands_still() -> None:
    clock = VirtualClock()
    assert clock.read() == clock.read() == 0.0
    clock.advance_to(1_500_000_000)
    assert clock.read() == 1.5
    clock.advance_to(1_500_000_000)
    assert clock.now_ns == 1_500_000_000


def test_the_clock_refuses_to_go_back_and_says_from_where_to_where() -> None:
    clock = VirtualClock()
    clock.advance_to(2)
    with pytest.raises(InternalError, match="from 2 ns to 1 ns"):
        clock.advance_to(1)
    assert clock.now_ns == 2


def test_two_readings_of_one_moment_are_told_apart() -> None:
    clock = VirtualClock()
    first, second = clock.read(), clock.read()
    assert first == second
    assert 0 < first.reading < second.reading < clock.next_reading()


def test_a_deadline_remembers_the_reading_it_was_computed_from() -> None:
    now = Instant.of(5.0, 7)
    for deadline in (now + 0.5, 0.5 + now, now + 1 - 0.5):
        assert isinstance(deadline, Instant)
        assert deadline == 5.5
        assert deadline.reading == 7


def test_a_difference_of_readings_is_a_plain_duration() -> None:
    start, end = Instant.of(1.0, 1), Instant.of(3.5, 2)
    assert end - start == 2.5
    assert type(end - start) is float
    assert type(10.0 - start) is float
    assert type(start + end) is float


def test_other_arithmetic_forgets_the_reading() -> None:
    now = Instant.of(2.0, 3)
    assert [type(value) for value in (now * 2, now / 2, -now, abs(now), round(now, 1))] == [
        float
    ] * 5


def test_a_reading_that_leaves_the_world_is_an_ordinary_number() -> None:
    now = Instant.of(2.5, 3)
    assert repr(now) == "2.5"
    assert f"{now:.3f}" == "2.500"
    assert hash(now) == hash(2.5)
    copy = pickle.loads(pickle.dumps(now))
    assert type(copy) is float
    assert copy == 2.5
