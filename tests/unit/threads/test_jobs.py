import functools
from contextvars import copy_context
from types import SimpleNamespace

from spectest.threads.jobs import job_name


def test_names_of_jobs() -> None:
    def job() -> None:
        """What is submitted."""

    class Callable_:
        def __call__(self) -> None:
            """An object may be submitted, too."""

    in_context = functools.partial(copy_context().run, job)
    names = {
        job_name(SimpleNamespace(fn=fn))
        for fn in (job, functools.partial(job), in_context, functools.partial(in_context))
    }
    assert names == {"job"}
    assert job_name(SimpleNamespace(fn=Callable_())) == "Callable_"
