from spectest.oracles import exactly_once, judge
from tests.unit.oracles.trace_lines import findings, trace_of

RACE = (
    "0 speculation speculation",
    "0 attempt llm = speculation @ llm",
    "0 attempt rules = speculation @ rules",
    "10 outcome llm = valid 'A' @ llm",
)
DECISION = "10 decision speculation = llm"
COMMIT = "10 commit llm = insert_row"


def record(committed: int) -> str:
    return f'20 record speculation = {{"committed": {committed}}}'


def test_the_winners_effects_after_the_decision_are_fine() -> None:
    trace = trace_of(*RACE, DECISION, COMMIT, "10 commit llm = send_mail", record(2))
    assert findings(trace, exactly_once()) == []


def test_an_effect_of_the_same_name_may_be_staged_twice() -> None:
    trace = trace_of(*RACE, DECISION, COMMIT, COMMIT, record(2))
    assert findings(trace, exactly_once()) == []
    numbered = trace_of(*RACE, DECISION, f"{COMMIT}#1", f"{COMMIT}#2", record(2))
    assert findings(numbered, exactly_once()) == []


def test_a_commit_before_the_decision_is_found() -> None:
    (verdict,) = judge(trace_of(*RACE, COMMIT, DECISION, record(1)), exactly_once())
    assert verdict.finding == "before the decision"
    assert "insert_row of llm was committed at 10.000 ms" in verdict.message


def test_a_commit_without_a_decision_is_found() -> None:
    assert findings(trace_of(*RACE, COMMIT), exactly_once()) == ["before the decision"]


def test_a_commit_of_a_loser_is_found() -> None:
    trace = trace_of(*RACE, DECISION, COMMIT, "12 commit rules = insert_row", record(2))
    (verdict,) = judge(trace, exactly_once())
    assert verdict.finding == "a loser's effect"
    assert verdict.message.startswith("rules lost and its effect insert_row was committed at 12.0")


def test_a_commit_though_nobody_won_is_found() -> None:
    trace = trace_of(*RACE, "10 decision speculation", COMMIT, record(1))
    assert findings(trace, exactly_once()) == ["a loser's effect"]


def test_more_commits_than_recorded_are_found() -> None:
    trace = trace_of(*RACE, DECISION, COMMIT, COMMIT, record(1))
    (verdict,) = judge(trace, exactly_once())
    assert verdict.finding == "committed twice"
    assert verdict.events == (6,)


def test_the_same_staged_effect_twice_is_found_without_a_record() -> None:
    trace = trace_of(*RACE, DECISION, f"{COMMIT}#1", f"{COMMIT}#1")
    assert findings(trace, exactly_once()) == ["committed twice"]


def test_fewer_commits_than_recorded_are_found() -> None:
    trace = trace_of(*RACE, DECISION, COMMIT, record(2))
    assert findings(trace, exactly_once()) == ["a commit is missing"]


def test_speculations_are_judged_each_by_itself() -> None:
    trace = trace_of(
        *RACE,
        DECISION,
        COMMIT,
        record(1),
        "30 speculation speculation (2)",
        "30 attempt llm (2) = speculation (2) @ llm",
        "40 outcome llm (2) = valid 'A' @ llm",
        "40 decision speculation (2) = llm (2)",
        "40 commit llm (2) = insert_row",
        '50 record speculation (2) = {"committed": 1}',
    )
    assert findings(trace, exactly_once()) == []


def test_a_trace_without_commits_is_told() -> None:
    assert "stage()" in exactly_once().blind(trace_of(*RACE, DECISION))
    assert exactly_once().blind(trace_of(*RACE, DECISION, COMMIT)) == ""
