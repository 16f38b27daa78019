from hypothesis import given
from hypothesis import strategies as st

from spectest.errors import InternalError, TokenError
from spectest.kernel.clock import FOREVER_NS, VirtualClock, seconds_to_ns
from spectest.kernel.plan import Plan
from spectest.kernel.token import decode, encode
from tests.properties.programs import plans


@given(plans)
def test_a_token_is_its_plan(plan: Plan) -> None:
    token = encode(plan)
    assert decode(token) == plan
    assert encode(decode(token)) == token
    assert token.isascii()
    assert token.isprintable()


@given(plans, plans)
def test_plans_are_equal_exactly_if_their_tokens_are(one: Plan, other: Plan) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(plans, st.data())
def test_a_damaged_token_is_never_another_plan(plan: Plan, data: st.DataObject) -> None:
    token = encode(plan)
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.characters())
    keep = data.draw(st.integers(place, len(token)))
    try:
        found = decode(token[:place] + letter + token[keep:])
    except TokenError:
        return
    assert found == plan


@given(st.text() | st.text().map(lambda text: f"st1-{text}"))
def test_no_text_is_anything_but_a_plan_or_a_token_error(text: str) -> None:
    token, plan = text, None
    try:
        plan = decode(text)
    except TokenError as error:
        token = error.token
    assert token == text
    assert plan is None or decode(encode(plan)) == plan


@given(st.lists(st.integers(-5, 10**12)))
def test_the_clock_only_goes_forward(moves: list[int]) -> None:
    clock = VirtualClock()
    last, number = clock.now_ns, 0
    for move in moves:
        try:
            clock.advance_to(last + move)
        except InternalError:
            assert move < 0
        reading = clock.read()
        assert clock.now_ns >= last
        assert reading.reading > number
        assert seconds_to_ns(reading) == clock.now_ns
        last, number = clock.now_ns, reading.reading


@given(st.integers(-(10**15), 10**15))
def test_nanoseconds_survive_the_way_through_seconds_for_eleven_days(ns: int) -> None:
    assert seconds_to_ns(ns / 10**9) == ns


@given(st.floats(min_value=-1e12, allow_nan=False))
def test_every_number_of_seconds_is_a_moment(seconds: float) -> None:
    assert seconds_to_ns(seconds) <= FOREVER_NS
