"""What both engines share, and so cannot find in each other."""

from simulators.scenario import Limiter, Pool
from simulators.servers import Permits, Servers


def test_nobody_overtakes_the_line_when_a_server_is_set_free() -> None:
    servers = Servers[str](Pool("p", 1), still=lambda who: True)
    assert servers.take()
    assert not servers.take()
    servers.wait("first")
    servers.leave()
    assert servers.full
    assert not servers.take()
    assert servers.next() == "first"
    assert servers.next() is None


def test_who_went_away_is_passed_over() -> None:
    gone = {"a"}
    servers = Servers[str](Pool("p", 1), still=lambda who: who not in gone)
    servers.take()
    for who in "ab":
        servers.wait(who)
    servers.give_up()
    servers.leave()
    assert servers.next() == "b"
    servers.leave()
    assert servers.next() is None
    assert servers.take()


def test_when_all_in_line_went_away_the_server_is_free() -> None:
    servers = Servers[str](Pool("p", 1), still=lambda who: False)
    servers.take()
    servers.wait("a")
    servers.give_up()
    servers.leave()
    assert not servers.full
    assert servers.next() is None


def test_permits_are_counted_for_those_who_need_no_leave_too() -> None:
    permits = Permits[str](Limiter("drop", capacity=2), still=lambda who: True)
    for _ in range(3):
        permits.take()
    assert permits.drops(None)
    permits.leave()
    assert permits.drops(None)
    permits.leave()
    assert not permits.drops(None)


def test_a_permit_is_handed_on_when_there_are_fewer_than_the_capacity() -> None:
    permits = Permits[str](Limiter("queue", capacity=1), still=lambda who: who != "gone")
    permits.take()
    permits.take()
    assert permits.queues
    for who in ("gone", "next"):
        permits.wait(who)
    permits.leave()
    assert permits.next() is None
    permits.leave()
    assert permits.next() == "next"
    assert permits.queues


def test_a_budget_is_saved_up_to_its_burst() -> None:
    permits = Permits[str](Limiter("budget", ratio=0.5, burst=2), still=lambda who: True)
    assert [permits.drops(None) for _ in range(3)] == [False, False, True]
    for _ in range(9):
        permits.request()
    assert [permits.drops(None) for _ in range(3)] == [False, False, True]
    permits.request()
    assert permits.drops(None)
    permits.request()
    assert not permits.drops(None)


def test_a_full_pool_drops_what_is_speculative() -> None:
    servers = Servers[str](Pool("p", 1), still=lambda who: True)
    permits = Permits[str](Limiter("drop"), still=lambda who: True)
    assert not permits.drops(servers)
    assert not permits.drops(None)
    servers.take()
    assert permits.drops(servers)
