import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from spectest import cli
from spectest.cli.parser import RULES, SEARCH
from spectest.exploration.settings import Settings

RACE = """
import asyncio
import threading
from spectest import VirtualEventLoop

async def race():
    order = []
    async def finish(name, seconds):
        await asyncio.sleep(seconds)
        order.append(name)
    await asyncio.gather(finish("first", 0.100), finish("second", 0.105))
    return order

async def finds():
    assert await race() == ["first", "second"]

async def holds():
    assert len(await race()) == 2

def finds_sync():
    assert asyncio.run(race()) == ["first", "second"]

async def only_virtual():
    order = await race()
    if isinstance(asyncio.get_running_loop(), VirtualEventLoop):
        assert order == ["first", "second"]

async def takes(number): ...

def default(number=3): ...

number = 3

calls = []

async def interrupted():
    calls.append(1)
    if len(calls) == 4:
        raise KeyboardInterrupt
    await race()

async def interrupted_late():
    if not isinstance(asyncio.get_running_loop(), VirtualEventLoop):
        raise KeyboardInterrupt
    assert False

def loses():
    total = [0]
    def add():
        before = total[0]
        total[0] = before + 1
    threads = [threading.Thread(target=add) for _ in range(2)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
    assert total == [2]

class Group:
    @staticmethod
    async def finds():
        assert await race() == ["first", "second"]
"""

Spectest = Callable[..., tuple[int, str, str]]


@pytest.fixture
def spectest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Spectest]:
    """Runs the command in a folder that holds `program.py`; exit code, output, complaints."""
    (tmp_path / "program.py").write_text(RACE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)

    def run(*arguments: str) -> tuple[int, str, str]:
        try:
            code = cli.main(arguments)
        except SystemExit as left:
            code = int(left.code or 0)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    yield run
    for name in set(sys.modules) - before:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def token_of(spectest: Spectest, program: str) -> str:
    _, out, _ = spectest("explore", program, "--json", "--no-confirm")
    token: str = json.loads(out)["failure"]["token"]
    return token


@pytest.mark.parametrize(
    "program",
    ["program.py::finds", "program:finds", "program.py::finds_sync", "program.py::Group::finds"],
)
def test_explore_finds(spectest: Spectest, program: str) -> None:
    code, out, err = spectest("explore", program, "--runs", "50", "--no-confirm")
    assert code == cli.FAILED
    assert err == ""
    assert "AssertionError" in out
    assert f"spectest replay {program} st1-" in out
    assert len(out.splitlines()) <= 25


@pytest.mark.parametrize(
    "arguments",
    [
        ("program.py::holds",),
        ("program.py::default",),
        ("program.py::finds", "--order", "strict"),
        ("program.py::finds", "--elasticity", "0.01"),
        ("program.py::finds", "--runs", "1"),
    ],
)
def test_explore_holds(spectest: Spectest, arguments: tuple[str, ...]) -> None:
    code, out, err = spectest("explore", *arguments)
    assert (code, err) == (cli.CLEAN, "")
    assert arguments[0] in out


def test_explore_tells_facts(spectest: Spectest) -> None:
    code, out, _ = spectest("explore", "program.py::finds", "--json", "--no-confirm", "--seed", "3")
    facts = json.loads(out)
    assert code == cli.FAILED
    assert facts["program"] == "program.py::finds"
    assert facts["failure"]["error"] == "AssertionError"
    assert facts["failure"]["order_model"] == "ties"
    assert facts["failure"]["confirmed"] is None
    assert list(facts["failure"]["holds_ns"]) == ["finish#1"]

    code, out, _ = spectest("explore", "program.py::holds", "--json")
    assert code == cli.CLEAN
    assert json.loads(out)["failure"] is None


def test_explore_asks_for_the_margin(spectest: Spectest) -> None:
    arguments = ("explore", "program.py::finds", "--elasticity", "0.01", "--margin", "--json")
    code, out, _ = spectest(*arguments)
    assert code == cli.CLEAN
    assert 1.01 <= json.loads(out)["holds_up_to"] < 1.1


def test_coverage(spectest: Spectest) -> None:
    arguments = ("explore", "program.py::holds", "--coverage")
    _, out, _ = spectest(*arguments)
    assert "  No line ran only under an unusual order." in out
    _, out, _ = spectest(*arguments, "--json")
    (file,) = json.loads(out)["coverage"]["files"]
    assert (file["file"], file["unusual"]) == ("program.py", [])


def test_every_setting_has_an_option() -> None:
    objects = ("faults",)
    assert sorted(RULES + SEARCH + objects) == sorted(field.name for field in fields(Settings))


RULES_GIVEN = "--drain-s=3.0 --exact=a.b --exact=c --leaks=ignore --lines=program"


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        ("--strategy=pctt", "strategy='pctt' is not a strategy; use one of portfolio, "),
        ("--lines=program.py", "'program.py' is none"),
        ("--stall-s=-1", "stall_s=-1.0 must be a number, 0 or more"),
        ("--max-steps=0", "max_steps=0 must be a whole number, 1 or more"),
    ],
)
def test_settings_are_checked(spectest: Spectest, arguments: str, complaint: str) -> None:
    code, out, err = spectest("explore", "program.py::finds", arguments)
    assert (code, out) == (cli.UNUSABLE, "")
    assert err.startswith("spectest: ")
    assert complaint in err


def test_a_replay_needs_the_rules_of_the_search(spectest: Spectest) -> None:
    asked = (*RULES_GIVEN.split(), "--stall-s=1", "--strategy=random", "--no-confirm")
    code, out, _ = spectest("explore", "program.py::loses", *asked)
    assert code == cli.FAILED
    (hint,) = (line for line in out.splitlines() if line.startswith("replay "))
    _, _, *command = hint.split()
    assert sorted(command[3:]) == sorted(RULES_GIVEN.split())

    for name, code in (("replay", cli.FAILED), ("confirm", cli.CLEAN)):
        del sys.modules["program"]  # As in a process of its own.
        assert spectest(name, *command[1:])[0] == code


def test_lines_that_nobody_ran_are_told(spectest: Spectest) -> None:
    _, out, _ = spectest("explore", "program.py::holds", "--lines=prgram", "--runs=5", "--json")
    (note,) = json.loads(out)["notes"]
    assert note.startswith("lines='prgram': no line of such a module ran")


def test_failures_are_kept_on_request(spectest: Spectest, tmp_path: Path) -> None:
    assert spectest("explore", "program.py::finds", "--no-confirm")[0] == cli.FAILED
    assert not (tmp_path / ".spectest").exists()
    asked = ("explore", "program.py::finds", "--no-confirm", "--database", "--json")
    spectest(*asked)
    _, out, _ = spectest(*asked)
    assert json.loads(out)["failure"]["strategy"] == "a saved failure"


def test_the_version(spectest: Spectest) -> None:
    assert spectest("--version") == (
        0,
        f"spectest {vars(sys.modules['spectest'])['__version__']}\n",
        "",
    )


@pytest.mark.parametrize(
    "program, told",
    [
        ("interrupted", "in execution 4 of 200; no failure until then"),
        ("interrupted_late", "in execution 2 of 200; it failed, and the report was in the making"),
    ],
)
def test_an_interrupt_says_how_far_it_came(spectest: Spectest, program: str, told: str) -> None:
    code, out, err = spectest("explore", f"program.py::{program}")
    assert (code, out) == (cli.INTERRUPTED, "")
    assert err == f"spectest: interrupted {told}\n"


def test_explore_writes_the_report(spectest: Spectest, tmp_path: Path) -> None:
    arguments = ("explore", "program.py::finds", "--no-confirm", "--json", "--report")
    assert spectest(*arguments, "deep/report.txt")[0] == cli.FAILED
    assert "spectest replay program.py::finds st1-" in (tmp_path / "deep/report.txt").read_text()
    code, _, err = spectest(*arguments, "program.py/report.txt")
    assert code == cli.UNUSABLE
    assert err.startswith("spectest: cannot write the report: ")


def test_replay(spectest: Spectest) -> None:
    token = token_of(spectest, "program.py::finds")
    code, out, err = spectest("replay", "program.py::finds", token)
    assert (code, err) == (cli.FAILED, "")
    assert "AssertionError" in out
    assert token in out

    code, out, _ = spectest("replay", "program.py::holds", token)
    assert code == cli.CLEAN
    assert "nothing fails" in out


def test_confirm(spectest: Spectest) -> None:
    token = token_of(spectest, "program.py::finds")
    code, out, err = spectest("confirm", "program.py::finds", token)
    assert (code, err) == (cli.CLEAN, "")
    assert out.startswith("program.py::finds: confirmed in real time: ")

    code, out, _ = spectest("confirm", "program.py::only_virtual", token)
    assert code == cli.NOT_CONFIRMED
    assert "not confirmed" in out

    code, out, _ = spectest("confirm", "program.py::holds", token)
    assert code == cli.NOT_CONFIRMED
    assert "nothing fails" in out


@pytest.mark.parametrize(
    "arguments, complaint",
    [
        (("explore", "absent.py::finds"), "there is no file absent.py"),
        (("explore", "program.py::absent"), "there is no 'absent' in program"),
        (("explore", "program.py"), "does not read FILE::NAME"),
        (("explore", "program.py::takes"), "program.py::takes needs number"),
        (("explore", "program.py::number"), "'number' is int, not a function"),
        (("explore", "program.py::finds", "--runs", "0"), "runs=0 must be a whole number"),
        (("explore", "absent_package.module:name"), "cannot import absent_package.module"),
        (("explore", "broken.py::main"), "cannot import broken.py: ZeroDivisionError: "),
        (("explore", "leaves.py::main"), "cannot import leaves.py: SystemExit: 3"),
        (("explore", "given.py::test_given"), "is a Hypothesis test; run it with pytest"),
        (("replay", "program.py::finds", "st1-x"), "'st1-x' is damaged"),
        (("replay", "program.py::finds", "hello"), "'hello' is not a spectest token"),
    ],
)
def test_one_clear_line(
    spectest: Spectest, tmp_path: Path, arguments: tuple[str, ...], complaint: str
) -> None:
    (tmp_path / "broken.py").write_text("1 / 0\n")
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "given.py").write_text(
        "from hypothesis import given, strategies as st\n"
        "@given(st.integers())\ndef test_given(x): ...\n"
    )
    code, out, err = spectest(*arguments)
    assert (code, out) == (cli.UNUSABLE, "")
    assert err.startswith("spectest: ")
    assert complaint in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [(), ("sing",), ("explore",), ("explore", "a::b", "--runs", "x")]
)
def test_a_command_that_makes_no_sense(spectest: Spectest, arguments: tuple[str, ...]) -> None:
    code, _, err = spectest(*arguments)
    assert code == cli.UNUSABLE
    assert err.startswith("usage: spectest")


def test_help_has_the_exit_codes(spectest: Spectest) -> None:
    code, out, _ = spectest("--help")
    assert code == 0
    assert "Exit codes:" in out
    assert "3  confirm: stock asyncio does not show the failure" in out


def test_keywords_of_marker_and_decorator_are_defaults(spectest: Spectest, tmp_path: Path) -> None:
    (tmp_path / "test_marked.py").write_text(
        "import spectest\nfrom _pytest.mark import Mark\nfrom program import race\n"
        "async def test_marked(): assert await race() == ['first', 'second']\n"
        "test_marked.pytestmark = [Mark('spectest', (), {'order': 'strict'}, _ispytest=True)]\n"
        "@spectest.explored(elasticity=0.01)\n"
        "async def test_decorated(): assert await race() == ['first', 'second']\n"
    )
    for name in ("test_marked", "test_decorated"):
        program = f"test_marked.py::{name}"
        assert spectest("explore", program)[0] == cli.CLEAN
        asked = ("--order", "ties", "--elasticity", "0.1", "--no-confirm")
        assert spectest("explore", program, *asked)[0] == cli.FAILED


def test_files_are_what_they_are(spectest: Spectest, tmp_path: Path) -> None:
    """A member of a package imports its siblings; a file may be called like a known module."""
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "limits.py").write_text("SIZE = 2\n")
    (package / "main.py").write_text("from .limits import SIZE\ndef main(): assert SIZE == 3\n")
    assert spectest("explore", "package/main.py::main", "--no-confirm")[0] == cli.FAILED
    (tmp_path / "token.py").write_text("def main(): assert False\n")
    assert spectest("explore", "token.py::main", "--no-confirm")[0] == cli.FAILED


def test_python_dash_m(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(RACE)
    root = str(Path(__file__).parents[2])
    process = subprocess.run(
        [sys.executable, "-m", "spectest", "explore", "program.py::finds", "--no-confirm"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == cli.FAILED
    assert "spectest replay program.py::finds" in process.stdout
    assert process.stderr == ""
