import base64
import json
import zlib

import pytest

from spectest.errors import TokenError, UsageError
from spectest.kernel.plan import Hold, Plan
from spectest.kernel.token import decode, encode

PLAN = Plan(
    holds={"llm#2": Hold(4_000_000, 1, 2), "rules#1": Hold(-5)},
    picks={"set order of task 3": 2},
    order="any",
    seed=-7,
)


def forged(document: object, version: int = 1) -> str:
    """A token whose checksum is right, whatever it holds."""
    return wrapped(json.dumps(document).encode(), version)


def wrapped(text: bytes, version: int = 1) -> str:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(text) + packer.flush()
    body = base64.urlsafe_b64encode(zlib.crc32(packed).to_bytes(4, "big") + packed)
    return f"st{version}-{body.decode().rstrip('=')}"


@pytest.mark.parametrize("plan", [Plan(), PLAN, Plan(order="strict"), Plan({"ü \n#1": Hold(1)})])
def test_round_trip(plan: Plan) -> None:
    assert decode(encode(plan)) == plan


def test_the_format_is_pinned() -> None:
    """Old tokens keep their meaning: if this fails, make a new format and read both."""
    assert decode("st1-uaWZzYtWKslMLVbSMdCprgWiWAA") == Plan()
    assert (
        decode(
            "st1-2-g0-YtWSsyrVNLRNdepVsrJyVU2UrKKNjEAAx1DHaNYHaWi0pzUYmVDoLiuqY6BjkFsLVBpcWqJQn5RSmqRQn6aQklicbaCsZKVUW0sAA"
        )
        == PLAN
    )


def test_equal_plans_have_equal_tokens() -> None:
    one = Plan({"b#1": Hold(1), "a#1": Hold(2), "c#1": Hold()})
    other = Plan({"a#1": Hold(2), "b#1": Hold(1)})
    assert encode(one) == encode(other)


def test_a_token_is_short_and_survives_a_chat_window() -> None:
    holds = {f"fetch_profile#{n}": Hold(n * 1_234_567 + n**5, n % 3, n % 2) for n in range(20)}
    token = encode(Plan(holds, {f"set order of task {n}": 1 + n % 2 for n in range(10)}))
    assert len(token) < 1024
    assert token.replace("-", "").replace("_", "").isalnum()
    assert token.isascii()
    assert decode(f"  {token}\n") == decode(token)


def rejected(token: str) -> str:
    with pytest.raises(TokenError) as caught:
        decode(token)
    assert caught.value.token == token
    assert isinstance(caught.value, UsageError)
    return str(caught.value)


@pytest.mark.parametrize(
    "token",
    [
        *("", "-", "hello", "st-abc", "st1", "stx-abc", "v1-abc", "ST1-abc", "st²-abc", "-st1-"),
        *("st0-abc", "st01-abc", "st\N{ARABIC-INDIC DIGIT ONE}-abc", "st" + "9" * 5_000 + "-abc"),
    ],
)
def test_a_foreign_word_is_told_what_tokens_look_like(token: str) -> None:
    assert "is not a spectest token; they look like st1-..." in rejected(token)


def test_a_newer_token_says_to_upgrade() -> None:
    assert "newer spectest (format st2, this one reads up to st1); upgrade" in rejected(
        forged(["ties", 0, {}, {}], version=2)
    )


def same_or_rejected(token: str) -> bool:
    """Base64 has letters of which some bits mean nothing: then the plan is what it was."""
    try:
        return decode(token) == PLAN
    except TokenError as error:
        return "copy it again, whole, from the report" in str(error)


def test_no_single_wrong_letter_makes_another_plan() -> None:
    token = encode(PLAN)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_!"
    wrong = [
        token[:place] + letter + token[place + 1 :]
        for place in range(4, len(token))
        for letter in letters
    ]
    assert all(map(same_or_rejected, wrong))
    assert sum(decode_or_none(text) is None for text in wrong) > 0.95 * len(wrong)


def decode_or_none(token: str) -> Plan | None:
    try:
        return decode(token)
    except TokenError:
        return None


def test_every_truncation_is_noticed() -> None:
    token = encode(PLAN)
    for length in range(4, len(token)):
        assert "copy it again, whole" in rejected(token[:length])


@pytest.mark.parametrize("extra", ["A", "AAAA", "!", ".", " x", "é"])
def test_an_appendix_is_noticed(extra: str) -> None:
    assert "damaged" in rejected(encode(PLAN) + extra)


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        "ties",
        [],
        {},
        ["ties", 0, {}],
        ["ties", 0, {}, {}, {}],
        {"a": 1, "b": 2, "c": 3, "d": 4},
        ["ties", 0, [], {}],
        ["ties", 0, {}, []],
        ["sideways", 0, {}, {}],
        [None, 0, {}, {}],
        ["ties", None, {}, {}],
        ["ties", 0.5, {}, {}],
        ["ties", True, {}, {}],
        ["ties", 0, {"a#1": [1, 0]}, {}],
        ["ties", 0, {"a#1": [1, 0, 0, 0]}, {}],
        ["ties", 0, {"a#1": 5}, {}],
        ["ties", 0, {"a#1": [1.5, 0, 0]}, {}],
        ["ties", 0, {"a#1": ["1", 0, 0]}, {}],
        ["ties", 0, {"a#1": [1, -1, 0]}, {}],
        ["ties", 0, {}, {"x": "1"}],
        ["ties", 0, {}, {"x": -1}],
        ["ties", 0, {}, {"x": 1.0}],
        ["ties", float("nan"), {}, {}],
    ],
)
def test_a_document_that_is_no_plan_is_damaged(document: object) -> None:
    assert "is damaged" in rejected(forged(document))


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[" * 100_000, b"1" * 5_000])
def test_text_that_is_no_plan_is_damaged(text: bytes) -> None:
    assert "is damaged" in rejected(wrapped(text))


def test_a_bomb_is_refused_before_it_goes_off() -> None:
    bomb = wrapped(b" " * (1 << 26))
    assert len(bomb) < 100_000
    assert "it is longer than any plan" in rejected(bomb)


def test_a_long_token_is_shown_short() -> None:
    message = rejected("st1-" + "A" * 5_000)
    assert "'st1-AAAAAAAAAAAAAAAA...'" in message
    assert len(message) < 200
