"""What patterns tell, and what oracles make of it where an attempt is late, elsewhere or alone."""

import asyncio
import json
from dataclasses import replace

import spectest
from spectest.kernel.trace import Trace
from spectest.oracles import Story, cancellation, tie_breaking
from spectest.oracles.races import started_by
from tests.unit.oracles.trace_lines import findings, trace_of

END = ("40 return main @ main", "40 result llm = 'A'")


def test_an_attempt_elsewhere_does_nothing_in_the_task_that_tells_it() -> None:
    trace = trace_of(
        "0 speculation speculation @ main",
        "0 attempt llm = speculation, elsewhere @ main",
        "1 write box = 0 -> 1 @ main",
        "5 outcome llm = valid 'A' @ manager",
    )
    story = Story(trace)
    assert story.attempt_of(trace[2]) is None
    assert [it.task for it in story.speculations[0].attempts] == ["elsewhere"]


def race(winner: str, run_id: str, number: int = 1) -> list[str]:
    end = "" if number == 1 else f" ({number})"
    told = [f"0 speculation speculation{end} @ main"]
    names = ("llm", "rules")
    told += [f"0 attempt {name}{end} = speculation{end} @ {name}{end}" for name in names]
    told += [f"10 outcome {name}{end} = valid '{name}' @ {name}{end}" for name in names]
    told.append(f"10 decision speculation{end} = {winner}{end} @ main")
    told.append(f"10 record speculation{end} = {json.dumps({'run_id': run_id})}")
    return told


def test_calls_that_begin_in_another_order_are_compared_by_their_run_ids() -> None:
    stock = trace_of(*race("llm", "w/1"), *race("rules", "w/2", 2), *END)
    swapped = trace_of(*race("rules", "w/2"), *race("llm", "w/1", 2), *END)
    wrong = trace_of(*race("llm", "w/2"), *race("llm", "w/1", 2), *END)
    assert findings(swapped, tie_breaking(), stock) == []
    assert findings(wrong, tie_breaking(), stock) == ["another winner"]


def test_whose_time_was_over_was_not_valid_though_its_thread_ends_later() -> None:
    stock = trace_of(*race("llm", "w/1"), *END)
    late = trace_of(
        "0 speculation speculation @ main",
        "0 attempt llm = speculation @ llm",
        "0 attempt rules = speculation @ rules",
        "10 dismiss llm @ main",
        "20 outcome rules = valid 'rules' @ rules",
        "20 decision speculation = rules @ main",
        "30 outcome llm = timed out @ llm",
        *END,
    )
    assert findings(late, tie_breaking(), stock) == []


CANCELLED = (
    "0 speculation speculation @ main",
    "0 task llm @ main",
    "0 attempt llm = speculation @ llm",
    "10 cancel main",
    "10 outcome llm = cancelled @ llm",
)


def test_a_branch_that_is_launched_for_a_caller_who_was_cancelled_outlives_him() -> None:
    late = ("15 task rules", "15 attempt rules = speculation @ rules")
    assert findings(trace_of(*CANCELLED), cancellation()) == []
    assert findings(trace_of(*CANCELLED, *late), cancellation()) == ["a branch outlived its caller"]


def test_the_wait_for_losers_after_the_caller_went_on_is_not_the_answers() -> None:
    told = [
        "0 speculation speculation @ main",
        "0 attempt llm = speculation @ llm",
        "0 attempt rules = speculation @ rules",
        "10 outcome llm = valid 'A' @ llm",
        "10 decision speculation = llm @ main",
        "10 dismiss rules @ main",
        "40 outcome rules = cancelled @ rules",
        *END,
    ]
    waits = ["the answer waited for a loser"]
    grace = cancellation(grace=1.0)
    assert findings(trace_of(*told), grace) == waits
    told.insert(6, "10 leave speculation @ main")
    assert findings(trace_of(*told), grace) == []


def test_a_cause_that_does_not_lie_before_its_event_leads_nowhere() -> None:
    first, second = trace_of("0 step a @ a", "0 step b @ b")
    circle = Trace([replace(first, cause=1), replace(second, cause=0)])
    assert started_by(circle, circle[1]) is None


def test_a_call_that_was_done_when_it_was_given_up_is_no_dead_handle() -> None:
    async def program() -> None:
        service = spectest.FakeService("llm", latency=0.010)
        call = asyncio.ensure_future(service())
        await asyncio.sleep(0)  # The call comes first, and so does its end.
        asyncio.get_running_loop().call_later(0.010, call.cancel)
        await asyncio.gather(call, return_exceptions=True)

    report = spectest.explore(program, oracles=cancellation(), runs=50)
    assert report.failure is None, spectest.render(report)
