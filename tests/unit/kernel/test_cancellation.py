import pytest
from hypothesis import given
from hypothesis import strategies as st

from spectest.kernel.cancellation import MOMENTS, WAYS, Cancellation, cancellations_of


@given(
    st.builds(
        Cancellation,
        st.text(min_size=1).map("task {}".format),
        st.integers(1, 1000),
        st.sampled_from(MOMENTS),
        st.sampled_from(WAYS),
    )
)
def test_a_label_says_all(one: Cancellation) -> None:
    assert one.label.startswith("cancel ")
    assert Cancellation.of(one.label) == one


@pytest.mark.parametrize(
    "one, label",
    [
        (Cancellation("fetch (Task-2)", 3, "before"), "cancel fetch (Task-2) at await 3, before"),
        (
            Cancellation("fetch", 1, "at", "caller"),
            "cancel the program, with fetch at await 1, at",
        ),
        (
            Cancellation("fetch", 1, "at", "timeout"),
            "cancel the program by timeout, with fetch at await 1, at",
        ),
    ],
)
def test_tokens_carry_these_labels(one: Cancellation, label: str) -> None:
    assert one.label == label


@pytest.mark.parametrize(
    "label", ["set order of task 2", "cancel fetch", "cancel it at await x, at"]
)
def test_other_labels_are_no_cancellations(label: str) -> None:
    assert Cancellation.of(label) is None
    one = Cancellation("fetch", 1, "at")
    assert cancellations_of([label, one.label]) == {one.label: one}
