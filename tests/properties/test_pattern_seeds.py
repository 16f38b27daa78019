"""Canonical JSON agrees with an independent implementation; a ranking is a permutation."""

import hashlib
import json
import struct
from typing import Any

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from spectest.patterns.canonical import SAFE_INTEGER, canonical_json
from spectest.patterns.seeds import literal, ranking, seed_of

bits = st.integers(0, 2**64 - 1).map(lambda number: struct.unpack(">d", number.to_bytes(8))[0])
doubles = st.floats(allow_nan=False, allow_infinity=False) | bits.filter(lambda x: abs(x) < 1e309)
texts = st.text(st.characters(exclude_categories=["Cs"]))
leaves = st.none() | st.booleans() | st.integers(-SAFE_INTEGER, SAFE_INTEGER) | doubles | texts
values: st.SearchStrategy[Any] = st.recursive(
    leaves,
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(texts, inner),
)


@given(values)
def test_canonical_json_is_that_of_another_implementation(value: Any) -> None:
    assert canonical_json(value) == rfc8785.dumps(value)


@given(values)
def test_canonical_json_reads_back_and_is_canonical(value: Any) -> None:
    def plain(inner: Any) -> Any:
        return json.loads(json.dumps(inner))

    written = canonical_json(value)
    # Beyond 2**53 the digits of a double read back as an int that is the same number.
    read = json.loads(written, parse_int=float)
    assert read == json.loads(json.dumps(plain(value)), parse_int=float)
    assert canonical_json(read) == written


@given(doubles)
def test_a_double_reads_back_as_itself(number: float) -> None:
    assert float(canonical_json(number)) == number


@given(st.binary(min_size=32, max_size=32), st.integers(0, 9))
def test_a_ranking_is_a_permutation_that_begins_with_the_literal_choice(
    digest: bytes, n: int
) -> None:
    ranked = ranking(digest, n)
    assert sorted(ranked) == list(range(n))
    if n:
        assert ranked[0] == literal(seed_of(digest), range(n))


@given(st.binary(min_size=32, max_size=32), st.integers(2, 9))
def test_the_rest_of_a_ranking_is_that_of_the_next_digest(digest: bytes, n: int) -> None:
    first, *rest = ranking(digest, n)
    left = [index for index in range(n) if index != first]
    following = ranking(hashlib.sha256(digest).digest(), n - 1)
    assert rest == [left[place] for place in following]
