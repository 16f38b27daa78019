import hashlib
import json
from collections import Counter
from itertools import permutations

import pytest

from spectest.patterns.canonical import CanonicalError
from spectest.patterns.run_ids import RunId
from spectest.patterns.seeds import digest_of, input_hash, literal, ranking, sampled, seed_of

INPUTS = {"user": "ann", "amount": 12.5}


def test_the_digest_by_hand() -> None:
    # For such inputs, canonical JSON is what `json` writes with sorted keys and no spaces.
    written = json.dumps(INPUTS, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(f"{written}run-1".encode()).digest()
    assert written == '{"amount":12.5,"user":"ann"}'
    assert digest_of(INPUTS, "run-1") == digest
    assert digest.hex() == "5b299f44a4a72288fd9dfeb7daf964e8fa74f41222985bf04fba4fa60415776a"
    assert f"{seed_of(digest):016x}" == "5b299f44a4a72288"
    assert input_hash(INPUTS) == hashlib.sha256(written.encode()).hexdigest()


def test_a_run_id_counts_as_it_is_printed() -> None:
    worker = "6ba7b810-9dad-11d1-80b4-00c04fd430c8"
    run_id = RunId(worker, 4294967297)
    assert digest_of(INPUTS, run_id) == digest_of(INPUTS, f"{worker}/4294967297")
    assert f"{seed_of(digest_of(INPUTS, run_id)):016x}" == "74dc3e6f1fa46d71"


def test_the_ranking_by_hand() -> None:
    """Three branches, each step of the chain written out."""
    first = digest_of(INPUTS, "run-1")
    second = hashlib.sha256(first).digest()
    third = hashlib.sha256(second).digest()
    left = [0, 1, 2]
    numbers = [int(digest.hex()[:16], 16) for digest in (first, second, third)]
    expected = [left.pop(number % len(left)) for number in numbers]
    assert ranking(first, 3) == tuple(expected) == (2, 1, 0)


def test_literal_moves_with_who_is_valid_and_the_ranking_does_not() -> None:
    digest = digest_of(INPUTS, "run-1")
    seed = seed_of(digest)
    ranked = ranking(digest, 3)
    assert (ranked, literal(seed, [0, 1, 2])) == ((2, 1, 0), 2)
    # Branch 0 drops out, which changes the literal choice although branch 2 is still valid.
    assert literal(seed, [1, 2]) == 1
    assert next(branch for branch in ranked if branch in (1, 2)) == 2


def test_nobody_to_choose_from() -> None:
    with pytest.raises(ValueError, match="no branch is valid"):
        literal(7, [])
    assert ranking(bytes(32), 0) == ()


@pytest.mark.parametrize("run_id", [None, 7, b"run-1"])
def test_a_run_id_that_is_none_is_refused(run_id: object) -> None:
    with pytest.raises(TypeError, match="is neither a RunId nor text"):
        digest_of(INPUTS, run_id)  # type: ignore[arg-type]


def test_inputs_without_canonical_json_are_refused() -> None:
    with pytest.raises(CanonicalError, match=r"inputs\.user: an object of class object"):
        digest_of({"user": object()}, "run-1")


def digests(count: int) -> list[bytes]:
    return [digest_of(INPUTS, f"run-{number}") for number in range(count)]


def chi_square(found: Counter[object], cells: int) -> float:
    expected = found.total() / cells
    absent = (cells - len(found)) * expected
    return absent + sum((count - expected) ** 2 / expected for count in found.values())


def test_every_order_of_four_branches_is_about_as_likely() -> None:
    found: Counter[object] = Counter(ranking(digest, 4) for digest in digests(6_000))
    assert set(found) == set(permutations(range(4)))
    assert chi_square(found, 24) < 49.7  # 23 degrees of freedom: exceeded once in 1,000 times


def test_the_literal_choice_is_about_even() -> None:
    found: Counter[object] = Counter(
        literal(seed_of(digest), [1, 4, 6, 7, 9]) for digest in digests(6_000)
    )
    assert chi_square(found, 5) < 18.5  # 4 degrees of freedom: exceeded once in 1,000 times


def test_the_sample_is_a_share_that_favours_no_winner() -> None:
    kept = [digest for digest in digests(6_000) if sampled(digest, 0.25)]
    assert abs(len(kept) - 1_500) < 110  # 3.3 standard deviations of a binomial
    found: Counter[object] = Counter(ranking(digest, 3)[0] for digest in kept)
    assert chi_square(found, 3) < 13.8  # 2 degrees of freedom: exceeded once in 1,000 times


def test_all_or_none_are_sampled_at_the_ends() -> None:
    least, most = bytes(32), b"\xff" * 32
    assert [sampled(digest, 1.0) for digest in (least, most)] == [True, True]
    assert [sampled(digest, 0.0) for digest in (least, most)] == [False, False]
    assert sampled(bytes(8) + b"\x7f" + b"\xff" * 7 + bytes(16), 0.5)
    assert not sampled(bytes(8) + b"\x80" + bytes(23), 0.5)


@pytest.mark.parametrize("rate", [-0.1, 1.5, float("nan")])
def test_a_rate_that_is_no_share_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match="use a number from 0 to 1"):
        sampled(bytes(32), rate)
