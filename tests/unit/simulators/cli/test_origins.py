"""Everything that the command writes says where it is from: scenario, engine, seed, n, versions."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from simulators import files, provenance
from tests.unit.simulators.conftest import Command

RUN = ("run", "pooled.toml", "--n", "200", "--seed", "7")
SWEEP = ("sweep", "pooled.toml", "--output", "out.jsonl", "--hedge", "p50..p99:2", "--n", "200",
         "--seed", "7", "--engine-pool", "none", "--no-progress")  # fmt: skip
CHECK = ("check", "pooled.toml", "--n", "200", "--seeds", "7")
FIT = ("fit", "log.csv", "-o", "out.toml", "--branches", "a", "--unit", "s", "--policy",
       "EagerRace")  # fmt: skip
OUTPUTS: dict[str, tuple[tuple[str, ...], str]] = {
    "run": (RUN, ""),
    "run as JSON": ((*RUN, "--output", "json"), ""),
    "run as CSV": ((*RUN, "--output", "csv"), ""),
    "run into a file": ((*RUN, "--output-file", "out.txt"), "out.txt"),
    "a plot as SVG": ((*RUN, "--plot", "out.svg"), "out.svg"),
    "verdict": (("verdict", *RUN[1:]), ""),
    "verdict as JSON": (("verdict", *RUN[1:], "--output", "json"), ""),
    "check": (CHECK, ""),
    "check as JSON": ((*CHECK, "--output", "json"), ""),
    "check of code": (
        ("check", "model.toml", "--n", "20", "--seeds", "7", "--code", "told_code:ask"),
        "",
    ),
    "sweep": (SWEEP, ""),
    "rows of a sweep": (SWEEP, "out.jsonl"),
    "a sweep as CSV": ((*SWEEP, "--csv", "out.csv"), "out.csv"),
    "a plot of a sweep": ((*SWEEP, "--plot", "out.svg"), "out.svg"),
    "report": (("report", *RUN[1:], "-o", "out.html"), "out.html"),
    "fit": (FIT, ""),
    "a fitted scenario": (FIT, "out.toml"),
}
"""What is asked, and the file that is looked at; without one, what is printed."""


def missing(text: str, seed: int, n: int) -> list[str]:
    """What the text does not say of where it is from."""
    plain = " ".join(re.sub(r"<[^>]+>", " ", text).split())
    words = {
        "scenario": r"\b(scenario|grid|scenario_hash)\b\W*[0-9a-f]{12}|[0-9a-f]{64}",
        "engine": r"\bengine\b",
        "seed": rf"\bseed\b\W*{seed}\b|,{seed},{n},",
        "n": rf"\bn\b\W*{n}\b|requests {n},|,{seed},{n},",
    }
    for name, version in provenance.versions():
        words[name] = rf"{name}\W+{re.escape(version)}"
    return [name for name, pattern in words.items() if not re.search(pattern, plain)]


@pytest.mark.parametrize("arguments, file", OUTPUTS.values(), ids=OUTPUTS)
def test_every_output_says_where_it_is_from(
    command: Command, arguments: tuple[str, ...], file: str
) -> None:
    Path("log.csv").write_text("a\n1.0\n2.0\n3.0\n", "utf-8")
    Path("model.toml").write_text(MODEL, "utf-8")
    Path("told_code.py").write_text(CODE, "utf-8")
    left = command(*arguments)
    assert (left.code < 3, left.err) == (True, "")
    text = Path(file).read_text("utf-8") if file else left.out
    seed, n = (0, 3) if arguments[0] == "fit" else (7, 20 if "--code" in arguments else 200)
    assert missing(text, seed, n) == []


def test_a_plot_as_png_says_it_too(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    from matplotlib.figure import Figure

    said: list[str] = []
    label: Callable[..., object] = Figure.supxlabel

    def listening(figure: Figure, text: str, **style: object) -> object:
        said.append(text)
        return label(figure, text, **style)

    monkeypatch.setattr(Figure, "supxlabel", listening)
    assert command(*RUN, "--plot", "out.png").code == 0
    hashed = files.read("pooled.toml").hash[:12]
    assert said[0].startswith(f"scenario {hashed}, engine fast, seed 7, n 200")


def test_every_command_is_in_the_list(command: Command) -> None:
    listed = command("--help").out
    (names,) = re.findall(r"COMMAND\n((?: {4}\w.*\n(?: {8,}.*\n)*)+)", listed)
    commands = set(re.findall(r"^ {4}(\w+)", names, re.MULTILINE))
    assert commands == {arguments[0] for arguments, _ in OUTPUTS.values()}


def test_what_is_missing_is_found() -> None:
    made = provenance.versions()
    line = f"scenario 0123456789ab, engine fast, seed 7, n 200; {', '.join(map(' '.join, made))}"
    assert missing(line, 7, 200) == []
    assert missing(line.replace("seed 7", "seed 8"), 7, 200) == ["seed"]
    assert missing(line.replace("0123456789ab", "?").replace("engine", ""), 7, 200) == [
        "scenario",
        "engine",
    ]
    assert missing(line.replace("numpy", "polars"), 7, 200) == ["numpy"]


MODEL = """
[[branches]]
name = "llm"
latency = 0.5

[policy]
kind = "Sequential"
"""
CODE = """
async def ask(services, request):
    return await services["llm"]()
"""
