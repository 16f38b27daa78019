"""Records of speculations: what was cancelled, what was selected, and what the pipeline was."""

from dataclasses import replace
from pathlib import Path

import pytest

from simulators import fit
from simulators.fit import Dropped
from simulators.results import CANCELLED, DROPPED, FAILED, NOT_LAUNCHED, TIMED_OUT, VALID
from simulators.scenario import ScenarioError
from spectest.patterns.policies import Cascade, EagerRace, FirstValid, Ranked
from spectest.patterns.records import Cancellation, LimiterUse, Record

RECORD = Record(
    run_id="r/1",
    input_hash="0" * 64,
    policy="EagerRace()",
    decision="FirstValid(pick='ranking')",
    branch_names=("llm", "rules"),
    ranking=(0, 1),
    branch_launched_after_ms=(0.0, 2.0),
    branch_latencies_ms=(30.0, 34.0),
    branch_validities=(True, None),
    branch_outcomes=("valid", "cancelled"),
    winning_branch_index=0,
    deterministic_tie_breaker_seed="0" * 16,
    decided_after_ms=30.0,
    cancellations=(Cancellation(1, 30.0, 36.0),),
    sampled_because="hash",
)


def log_of(folder: Path, *records: Record) -> Path:
    path = folder / "app.log"
    path.write_text("INFO begun\n" + "".join(f"INFO {record.to_line()}\n" for record in records))
    return path


def test_a_loser_is_cut_off_when_it_is_asked_to_go(tmp_path: Path) -> None:
    log = fit.read(log_of(tmp_path, RECORD))
    assert (log.format, log.branches) == ("records", ("llm", "rules"))
    assert log.outcomes.tolist() == [[VALID, CANCELLED]]
    assert log.seconds.tolist() == [[0.03, 0.028]]  # from 2 to 30 ms, not to 36
    assert log.launched.tolist() == [[0.0, 0.002]]
    assert (log.policy, log.decision) == (EagerRace(), FirstValid())
    assert log.cancel == (("rules", ("delay", 0.006)),)


def test_every_ending_has_its_outcome(tmp_path: Path) -> None:
    record = replace(
        RECORD,
        branch_names=("a", "b", "c", "d", "e"),
        ranking=(0, 1, 2, 3, 4),
        policy="Cascade(patience=0.01)",
        decision="Ranked()",
        branch_launched_after_ms=(0.0, 10.0, 20.0, None, None),
        branch_latencies_ms=(5.0, 8.0, None, None, None),
        branch_validities=(None, None, None, None, None),
        branch_outcomes=("raised ValueError", "timed out", "running", "dropped", "not launched"),
        winning_branch_index=None,
        decided_after_ms=50.0,
        limiter=LimiterUse(4, (3,)),
        cancellations=(Cancellation(2, 45.0, None),),
    )
    log = fit.read(log_of(tmp_path, record))
    assert log.outcomes.tolist() == [[FAILED, TIMED_OUT, CANCELLED, DROPPED, NOT_LAUNCHED]]
    assert log.seconds[0, :3].tolist() == [0.005, 0.008, 0.025]
    assert (log.policy, log.decision) == (Cascade(0.01), Ranked())
    assert log.cancel == (("c", "never"),)
    assert log.notes == ("the records tell of a limiter of 4; the scenario has what limiter= says",)


def test_a_selection_and_what_stands_there_twice_are_left_out(tmp_path: Path) -> None:
    faster = replace(
        RECORD,
        run_id="r/2",
        decision="Ranked()",
        branch_latencies_ms=(30.0, 20.0),
        branch_validities=(True, False),
        branch_outcomes=("valid", "invalid"),
        cancellations=(),
        sampled_because="loser was faster",
    )
    log = fit.read(log_of(tmp_path, RECORD, faster, RECORD, replace(RECORD, run_id="r/3")))
    assert log.dropped == (
        Dropped("kept because a loser was faster, which does not stand for all", 1, 3),
        Dropped("a record that stands there before", 1, 4),
    )
    assert (log.read, log.used, log.requests) == (4, 2, 2)


def test_control_and_race_are_taken_together_or_apart(tmp_path: Path) -> None:
    control = replace(
        RECORD,
        run_id="r/2",
        policy="Sequential()",
        branch_launched_after_ms=(0.0, None),
        branch_latencies_ms=(90.0, None),
        branch_outcomes=("valid", "not launched"),
        decided_after_ms=90.0,
        cancellations=(),
    )
    path = log_of(tmp_path, RECORD, control)
    log = fit.read(path)
    assert log.outcomes.tolist() == [[VALID, CANCELLED], [VALID, NOT_LAUNCHED]]
    assert (log.policy, log.notes) == (
        None,
        (
            (
                "the records are of several pipelines, taken together: EagerRace() (1), "
                "Sequential() (1)"
            ),
        ),
    )
    log = fit.read(path, where={"policy": "EagerRace()"})
    assert (log.policy, log.notes) == (EagerRace(), ())
    assert log.dropped == (Dropped("policy is not EagerRace()", 1, 3),)
    with pytest.raises(ScenarioError, match=r"^a field of where is 'run_id', which is not known"):
        fit.read(path, where={"run_id": "r/1"})


def test_a_policy_of_your_own_has_to_be_given_again(tmp_path: Path) -> None:
    log = fit.read(log_of(tmp_path, replace(RECORD, policy="MyPolicy(__import__('os'))")))
    assert log.policy is None
    assert log.notes == ("the record says MyPolicy(__import__('os')), which no scenario can have",)


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    path = log_of(tmp_path, RECORD)
    path.write_text(
        path.read_text().replace('"decided_after_ms": 30.0', '"decided_after_ms": -3.0')
    )
    with pytest.raises(ScenarioError) as caught:
        fit.read(path)
    assert str(caught.value) == (
        "app.log, line 2 is -3.0, which is no record of a speculation: "
        "decided_after_ms must be a finite number of milliseconds, 0 or more, or null; "
        "correct or remove that record"
    )
