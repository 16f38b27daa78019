import asyncio
import contextvars
import functools
import pickle
import threading
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from typing import Any

import pytest

from spectest.patterns.staging import (
    CommitFailed,
    Effect,
    Stage,
    UnpicklableEffect,
    commit,
    commit_async,
    in_copied_context,
    stage,
    staging,
)

Commit = Callable[..., int]


def commit_in_a_loop(*args: Any) -> int:
    return asyncio.run(commit_async(*args))


both = pytest.mark.parametrize("commit", [commit, commit_in_a_loop])


def staged(*effects: Callable[..., Any]) -> Stage:
    with staging("llm") as kept:
        for effect in effects:
            stage(effect)
    return kept


@both
def test_effects_are_called_once_in_order_with_their_arguments(commit: Commit) -> None:
    rows: list[Any] = []
    with staging("llm") as kept:
        stage(rows.append, 1)
        stage(functools.partial(rows.extend, [2, 3]))
        stage(lambda *args, **kwargs: rows.append((args, kwargs)), 4, effect=5, self=6)
    assert rows == []
    told: list[str] = []
    assert commit(kept, lambda effect: told.append(f"{effect.name} after {len(rows)}")) == 3
    assert rows == [1, 2, 3, ((4,), {"effect": 5, "self": 6})]
    assert told == ["append after 0", "extend after 1", "<lambda> after 3"]
    with pytest.raises(RuntimeError, match="branch 'llm' has been committed, so it cannot be"):
        commit(kept)
    assert len(rows) == 4


@both
def test_a_dropped_stage_is_never_committed(commit: Commit) -> None:
    rows: list[int] = []
    kept = staged(lambda: rows.append(1))
    kept.drop()
    kept.drop()
    with pytest.raises(RuntimeError, match="branch 'llm' has been dropped, so it cannot be"):
        commit(kept)
    assert (rows, kept.effects) == ([], ())


def test_a_committed_stage_is_not_dropped() -> None:
    kept = staged()
    commit(kept)
    with pytest.raises(RuntimeError, match="has been committed already"):
        kept.drop()


def test_a_branch_that_has_lost_stages_into_nothing_and_is_counted() -> None:
    rows: list[int] = []
    with staging("rules") as kept:
        stage(rows.append, 1)
        kept.drop()
        stage(rows.append, 2)
        stage(rows.append, 3)
    assert (kept.state, kept.effects, kept.ignored) == ("dropped", (), 2)


def test_a_branch_that_raises_has_lost() -> None:
    with pytest.raises(KeyError), staging("rules") as kept:
        stage(print)
        raise KeyError
    assert kept.state == "dropped"


def test_outside_of_a_branch_nothing_is_kept() -> None:
    with staging("llm"):
        pass
    with pytest.raises(RuntimeError, match=r"stage\(print\) was called outside of a branch"):
        stage(print, "a")


def test_what_is_staged_after_the_return_is_refused_and_not_lost_silently() -> None:
    with staging("llm") as kept:
        late = contextvars.copy_context()
    with pytest.raises(RuntimeError, match="branch 'llm', which has returned already"):
        late.run(stage, print)
    kept.drop()
    late.run(stage, print)
    assert kept.ignored == 1


def test_a_call_in_place_of_a_function_is_refused() -> None:
    with staging("llm"), pytest.raises(TypeError, match=r"stage\(insert, row\), not stage\(insert"):
        stage([].append(1))  # type: ignore[func-returns-value, arg-type]


@both
def test_an_effect_that_raises_stops_those_after_it(commit: Commit) -> None:
    rows: list[str] = []

    def first() -> None:
        rows.append("first")

    def second() -> None:
        raise OSError("disk full")

    def third() -> None:
        rows.append("third")

    kept = staged(first, second, third)
    with pytest.raises(CommitFailed) as caught:
        commit(kept)
    error = caught.value
    assert rows == ["first"]
    assert (error.owner, error.effect.name) == ("llm", "second")
    assert [[effect.name for effect in part] for part in (error.done, error.left)] == [
        ["first"],
        ["third"],
    ]
    assert isinstance(error.__cause__, OSError)
    assert str(error) == (
        "effect 2 of 3 of branch 'llm', second, raised; called before it: first; not called: "
        "third. Undo what is in .done, or call what is in .left"
    )
    with pytest.raises(RuntimeError, match="has been committed"):
        commit(kept)
    error.left[0].call()
    assert rows == ["first", "third"]


# Coroutine functions.


async def insert(rows: list[int], row: int) -> None:
    await asyncio.sleep(0)
    rows.append(row)


def test_coroutine_functions_are_awaited_one_after_the_other() -> None:
    rows: list[int] = []
    with staging("llm") as kept:
        stage(insert, rows, 1)
        stage(rows.append, 2)
        stage(insert, rows, row=3)
    assert commit_in_a_loop(kept) == 3
    assert rows == [1, 2, 3]


@pytest.mark.parametrize("effect", [insert, functools.partial(insert, [])])
def test_where_nobody_awaits_coroutine_functions_are_refused_at_once(effect: Any) -> None:
    with staging("llm", plain=True) as kept:
        with pytest.raises(TypeError, match=r"stage\(insert\) of branch 'llm': insert is a corout"):
            stage(effect, 1)
        stage(print)
    assert [effect.name for effect in kept.effects] == ["print"]


def test_an_awaitable_that_nobody_awaits_is_an_error() -> None:
    kept = staged(lambda: insert([], 1))
    with pytest.raises(CommitFailed) as caught:
        commit(kept)
    assert "which nobody awaits here" in str(caught.value.__cause__)


def test_a_cancelled_commit_says_what_was_not_called() -> None:
    async def main() -> list[str]:
        async def forever() -> None:
            await asyncio.Event().wait()

        committing = asyncio.ensure_future(commit_async(staged(print, forever, print)))
        await asyncio.sleep(0)
        committing.cancel()
        try:
            await committing
        except asyncio.CancelledError as error:
            return error.__notes__
        return []

    notes = asyncio.run(main())
    assert notes == ["interrupted effect 2 of 3 of branch 'llm', forever; not called: print"]


# Whose stage it is.


def test_tasks_stage_for_themselves() -> None:
    async def attempt(name: str) -> Stage:
        with staging(name) as kept:
            stage(print, name)
            await asyncio.sleep(0)
            await asyncio.create_task(helper(name))
            await asyncio.to_thread(stage, print, name)
        return kept

    async def helper(name: str) -> None:
        stage(print, name)

    async def main() -> list[Stage]:
        return list(await asyncio.gather(attempt("llm"), attempt("rules")))

    for kept in asyncio.run(main()):
        assert [effect.args for effect in kept.effects] == [(kept.owner,)] * 3


def test_a_thread_sees_the_callers_context_and_keeps_its_own_changes() -> None:
    request = contextvars.ContextVar("request", default="none")
    request.set("42")

    def attempt(name: str) -> tuple[str, Stage]:
        seen = request.get()
        request.set(name)
        with staging(name) as kept:
            stage(print, name)
        return seen, kept

    with ThreadPoolExecutor(1) as pool:
        for name in ("llm", "rules"):
            seen, kept = pool.submit(in_copied_context(attempt, name)).result()
            assert (seen, kept.owner, kept.effects[0].args) == ("42", name, (name,))
        assert pool.submit(request.get).result() == "none"
    assert request.get() == "42"


@both
def test_effects_of_an_inner_speculation_wait_for_the_outer_one(commit: Commit) -> None:
    rows: list[int] = []
    with staging("outer") as outer:
        stage(rows.append, 1)
        with staging("inner") as inner:
            stage(rows.append, 2)
        assert commit(inner) == 1
        stage(rows.append, 3)
        assert rows == []
    with pytest.raises(RuntimeError, match="has been committed"):
        commit(inner)
    assert commit(outer) == 3
    assert rows == [1, 2, 3]


def test_of_many_threads_that_commit_one_does() -> None:
    rows: list[int] = []
    kept = staged(*[functools.partial(rows.append, 1)] * 50)
    together = threading.Barrier(8)

    def attempt(_: int) -> int:
        together.wait()
        try:
            return commit(kept)
        except RuntimeError:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(attempt, range(8))) == [0] * 7 + [50]
    assert len(rows) == 50


# Between processes.

arrived: list[Any] = []


def there(row: Any) -> Stage:
    with staging("llm", plain=True) as kept:
        stage(arrived.append if row is None else note, row)
    return kept


def note(row: Any) -> None:
    arrived.append(row)


def lose(_: Any) -> Stage:
    kept = staged(print)
    kept.drop()
    kept.add(Effect(print))
    return kept


def test_effects_travel_from_a_process_and_are_called_here() -> None:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        kept, lost = pool.submit(there, {"a": 1}).result(), pool.submit(lose, 1).result()
        with pytest.raises(UnpicklableEffect) as caught:
            pool.submit(unpicklable, 1).result()
        assert pool.submit(abs, -1).result() == 1
    arrived.clear()
    assert (kept.state, commit(kept), arrived) == ("closed", 1, [{"a": 1}])
    assert (lost.state, lost.ignored) == ("dropped", 1)
    assert (caught.value.owner, caught.value.effect) == ("llm", "note")
    assert str(caught.value).startswith("branch 'llm' staged note, which cannot be pickled (")


def unpicklable(_: Any) -> Stage:
    with staging("llm") as kept:
        stage(print)
        stage(note, threading.Lock())
        stage(print)
    return kept


class Fragile:
    """Can leave a process and not enter another one."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse, ()


def refuse() -> None:
    raise ValueError("not here")


def test_what_cannot_be_unpickled_fails_at_the_commit_and_not_on_the_way() -> None:
    with staging("llm") as kept:
        stage(note, Fragile())
    copied = pickle.loads(pickle.dumps(kept))
    assert copied.owner == "llm"
    with pytest.raises(ValueError, match="not here"):
        commit(copied)


def test_the_errors_survive_pickling() -> None:
    failed = CommitFailed("llm", Effect(print), (), (Effect(note),))
    for error in (failed, UnpicklableEffect("llm", "note", "no")):
        assert str(pickle.loads(pickle.dumps(error))) == str(error)
