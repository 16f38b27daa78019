"""`python -m simulators check`: do the engines agree, and does the code do what the model says?"""

from __future__ import annotations

import argparse
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, cast

from simulators.cli.parser import Commands, add_output, add_scenario, emit, integer, read, writable
from simulators.errors import ScenarioError
from simulators.places import place_of

if TYPE_CHECKING:
    from simulators.results import Requests
    from simulators.scenario import Scenario

__all__ = ["AGREES", "DIFFERS", "add", "anew", "form_of", "pipeline_of"]

AGREES, DIFFERS = range(2)

_OF_ENGINES, _OF_CODE = 20_000, 1_000


def add(commands: Commands) -> None:
    """The command and its options."""
    parser = commands.add_parser("check", help="compare engines, or the model with your code")
    add_scenario(parser)
    option = parser.add_argument
    option(
        "--code",
        metavar="MODULE:FUNCTION",
        help="your pipeline, called with the services and the number of a request",
    )
    option("--n", type=integer, metavar="N", help="how many requests (20,000; of --code 1,000)")
    option("--seeds", metavar="SEEDS", default="0,1", help="of each of these seeds (0,1)")
    add_output(parser, "text", "json")
    parser.set_defaults(command=_check, seed=0)


def pipeline_of(option: str, name: str) -> Callable[..., Any]:
    """The function or class, from a module of the current folder or an installed one."""
    module, _, function = name.partition(":")
    if not module or not function:
        raise ScenarioError(option, name, "is no MODULE:FUNCTION", "use one such as app.llm:ask")
    if "" not in sys.path:
        sys.path.insert(0, "")
    try:
        found = importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 - whatever the module raises
        raise _not_imported(option, name, error) from None
    if not callable(made := getattr(found, function, None)):
        why = f"is nothing that can be called in {module}"
        raise ScenarioError(option, name, why, "name a function of it")
    return made  # type: ignore[no-any-return]


def _not_imported(option: str, name: str, error: Exception) -> ScenarioError:
    told = " ".join(str(error.msg if isinstance(error, SyntaxError) else error).split())
    why = f"cannot be imported: {type(error).__name__}: {told}"
    place = place_of(error)
    if place is None:
        return ScenarioError(option, name, why, "name a module of this folder or an installed one")
    return ScenarioError(option, name, f"{why}, at {place}", "mend that line")


def form_of(pipeline: Callable[..., Any]) -> Literal["coroutines", "threads"]:
    """Coroutines if it is one, or a class whose instances are; threads otherwise."""
    asked: Any = pipeline.__call__ if inspect.isclass(pipeline) else pipeline
    return "coroutines" if inspect.iscoroutinefunction(asked) else "threads"


def anew(pipeline: Callable[..., Any]) -> Callable[..., Any]:
    """The pipeline of one run: of a class an instance, so that runs do not share what it holds."""
    return cast("Callable[..., Any]", pipeline()) if inspect.isclass(pipeline) else pipeline


def _check(options: argparse.Namespace) -> int:
    scenario = read(options)
    seeds = [_seed(options.seeds, part) for part in options.seeds.split(",")]
    if options.output_file is not None:
        writable("--output-file", options.output_file)
    from simulators import check
    from simulators.output import data

    reports: list[Any] = []
    if options.code is None:
        n = options.n or _OF_ENGINES
        reports += [check.engines(scenario, n, seed) for seed in seeds]
    else:
        code = _code(pipeline_of("--code", options.code))
        reports.append(check.code(scenario, code, options.n or _OF_CODE, seeds))
    if options.output == "json":
        emit(data.dumps([report.to_data() for report in reports]), options.output_file)
    else:
        emit("\n\n".join(map(str, reports)) + "\n", options.output_file)
    return AGREES if all(report.agrees for report in reports) else DIFFERS


def _seed(seeds: str, text: str) -> int:
    if not text.isdecimal():
        raise ScenarioError("--seeds", seeds, "is no list of seeds", "use one such as 0,1,2")
    return int(text)


def _code(pipeline: Callable[..., Any]) -> Callable[[Scenario, int, int], Requests]:
    from simulators import live

    def code(scenario: Scenario, n: int, seed: int) -> Requests:
        return live.run(scenario, n, seed, anew(pipeline), form=form_of(pipeline))

    return code
