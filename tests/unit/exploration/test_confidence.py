import pytest

from spectest.exploration.confidence import confidence, lines


@pytest.mark.parametrize(
    "runs, chains, contested, depth, expected",
    [
        (1, 1, 1, 1, 1.0),
        (1, 4, 10, 1, 0.25),
        (2, 4, 10, 1, 1 - 0.75**2),
        (1, 2, 10, 2, 1 / 20),
        (10, 2, 10, 2, 1 - 0.95**10),
        (1, 2, 10, 3, 1 / 200),
        (100, 5, 20, 3, 1 - (1 - 1 / 2000) ** 100),
        (0, 3, 3, 2, 0.0),
        (1, 0, 0, 3, 1.0),
    ],
)
def test_the_bound_of_the_paper_by_hand(
    runs: int, chains: int, contested: int, depth: int, expected: float
) -> None:
    assert confidence(runs, chains, contested, depth) == pytest.approx(expected)


def test_more_runs_are_worth_more_and_deeper_bugs_are_harder() -> None:
    by_runs = [confidence(runs, 3, 8, 2) for runs in (1, 10, 100, 1000)]
    by_depth = [confidence(50, 3, 8, depth) for depth in (1, 2, 3, 4)]
    assert by_runs == sorted(by_runs)
    assert by_depth == sorted(by_depth, reverse=True)
    assert all(0 <= value <= 1 for value in by_runs + by_depth)


def test_one_line_for_each_depth_that_was_tried() -> None:
    assert lines({2: 10, 1: 30, 3: 0}, 2, 10) == (
        (
            "a bug of depth 1 would have been found with probability 99.9 % or more "
            "(30 runs of PCT, 2 tasks, 10 choices)"
        ),
        (
            "a bug of depth 2 would have been found with probability 40.1 % or more "
            "(10 runs of PCT, 2 tasks, 10 choices)"
        ),
    )
    assert lines({3: 10}, 2, 10) == (
        (
            "a bug of depth 3 would have been found with probability 4.8 % or more "
            "(10 runs of PCT, 2 tasks, 10 choices)"
        ),
    )
    assert lines({}, 2, 10) == ()


@pytest.mark.parametrize("runs", [1, 7, 20, 60])
def test_a_percentage_is_never_rounded_up_to_certainty(runs: int) -> None:
    (line,) = lines({1: runs}, 2, 1)
    assert "100 %" not in line
