"""A page of documentation is a program: its blocks are run, and what they print is compared.

* ```` ```python ````: executed; the blocks of one page share a namespace, and `await` may stand at
  the top. A ```` ```text ```` block right after it is what it prints.
* ```` ```python test_cart.py ````, ```` ```ini pytest.ini ````: written to that file.
* ```` ```console ````: `$ pytest ...`, `$ spectest ...` or `$ python ...`, run among these files,
  with what it prints. A line `...` stands for any lines.
* Other blocks (```` ```sh ````: for readers to adapt) are not run.

The README of an example is run beside a copy of the examples, as if it were in the repository.

`python -m tests.examples.pages` puts what is really printed into the pages.
"""

import ast
import asyncio
import contextlib
import importlib.metadata
import inspect
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
SPECTEST = "import sys; from spectest.cli import main; sys.exit(main())"
PROGRAMS = {
    "python": [sys.executable],
    "pytest": [sys.executable, "-m", "pytest"],
    "spectest": [sys.executable, "-c", SPECTEST],
}
VARYING = (
    (re.compile(r"\bst\d+-[\w-]{6,}"), "st1-TOKEN"),
    (re.compile(r"\b\d+\.\d+ ?s\b"), "0.00s"),
    (re.compile(r"\b\d+ executions?\b"), "N executions"),
    (re.compile(r"\bin execution \d+ of .*$", re.MULTILINE), "in execution N"),
    (re.compile(r"probability \S+ % or more \(.*\)"), "probability P"),
    (re.compile(r"\b\d+ (?:try|tries)\b"), "N tries"),
    (re.compile(r"at these durations.*$", re.MULTILINE), "at these durations"),
    (re.compile(r"\b0x[0-9a-f]+\b"), "0xADDRESS"),
    (re.compile(r"numpy \d\S*, python \d\S*, simpy \d\S*, spectest \d\S*"), "VERSIONS"),
    (re.compile(r"([=_-])\1{2,}"), r"\1\1\1"),
    (re.compile(r"[ \t]+$", re.MULTILINE), ""),
)


def pages() -> list[Path]:
    """Every page whose blocks are run."""
    of_examples = sorted((ROOT / "examples").glob("*/README.md"))
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")), *of_examples]


def furnish(folder: Path, path: Path) -> None:
    """Put into `folder` what the page at `path` finds beside it."""
    place = path.parent.relative_to(ROOT)
    if place.parts[:1] == ("examples",):
        ignored = shutil.ignore_patterns("__pycache__", ".spectest")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored)


@dataclass(frozen=True)
class Block:
    line: int
    language: str
    file: str
    text: str
    span: tuple[int, int]


@dataclass(frozen=True)
class Difference:
    """What a block says that it prints, and what it prints."""

    block: Block
    expected: str
    actual: str

    def __str__(self) -> str:
        return (
            f"the block at line {self.block.line} does not print what it says\n"
            f"--- it says\n{self.expected}\n--- it prints\n{self.actual}"
        )


def blocks_of(markdown: str) -> list[Block]:
    found = []
    for match in FENCE.finditer(markdown):
        language, _, file = match[1].strip().partition(" ")
        line = markdown.count("\n", 0, match.start(2)) + 1
        found.append(Block(line, language, file.strip(), match[2], match.span(2)))
    return found


def normalised(text: str) -> str:
    for pattern, replacement in VARYING:
        text = pattern.sub(replacement, text)
    return text.strip("\n")


def agrees(expected: str, actual: str) -> bool:
    """Whether `actual` is what `expected` says, up to tokens, seconds and `...`."""
    lines = normalised(expected).split("\n")
    parts = [r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + r"\n" for line in lines]
    return re.fullmatch("".join(parts), normalised(actual) + "\n") is not None


def elided(expected: str, actual: str) -> str:
    """`actual`, with `...` for the lines for which `expected` has it."""
    said = expected.rstrip("\n").split("\n")
    lines = actual.rstrip("\n").split("\n")
    for place, line in enumerate(said[:-1]):
        following = [normalised(other) for other in lines[place:]]
        if line.strip() == "..." and normalised(said[place + 1]) in following:
            lines[place : place + following.index(normalised(said[place + 1]))] = ["..."]
    return "\n".join(lines) + "\n"


class Page:
    """One page, run block by block in `folder`."""

    def __init__(self, markdown: str, folder: Path, name: str = "page.md") -> None:
        self.blocks = blocks_of(markdown)
        self.folder = folder
        self._name = name
        self._namespace: dict[str, Any] = {"__name__": "page"}

    def differences(self) -> Iterator[Difference]:
        """Run the page; what a block raises is raised."""
        for number, block in enumerate(self.blocks):
            following = self.blocks[number + 1 : number + 2]
            if block.file:
                self._file(block)
            elif block.language == "python":
                printed = self._python(block)
                if following and following[0].language == "text":
                    expected = following[0].text
                    if not agrees(expected, printed):
                        yield Difference(following[0], expected, printed)
            elif block.language == "console":
                yield from self._console(block)

    def _file(self, block: Block) -> None:
        path = self.folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text, encoding="utf-8")

    def _python(self, block: Block) -> str:
        source = "\n" * (block.line - 1) + block.text
        code = compile(source, self._name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            if code.co_flags & inspect.CO_COROUTINE:
                asyncio.run(eval(code, self._namespace))
            else:
                exec(code, self._namespace)
        return printed.getvalue()

    def _console(self, block: Block) -> Iterator[Difference]:
        says, prints = [], []
        for command, expected in commands_of(block.text):
            actual = self._run(command)
            says.append(f"$ {command}\n{expected}".rstrip("\n"))
            kept = expected if agrees(expected, actual) else elided(expected, actual)
            prints.append(f"$ {command}\n{kept}".rstrip("\n"))
        if says != prints:
            yield Difference(block, "\n".join(says) + "\n", "\n".join(prints) + "\n")

    def _run(self, command: str) -> str:
        program, *arguments = shlex.split(command)
        if program not in PROGRAMS:
            raise ValueError(f"{command!r} cannot be run here; use ```sh for what readers run")
        finished = subprocess.run(
            [*PROGRAMS[program], *arguments],
            cwd=self.folder,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return finished.stdout.replace(f"{self.folder}{os.sep}", "").rstrip() + "\n"


def commands_of(text: str) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output that follows it."""
    _, *parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts]


def environment() -> dict[str, str]:
    """That of a reader: the plugin installed, nothing of the test run around it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    options = ["-p no:randomly", "-p no:cacheprovider"]
    options.append("-o asyncio_default_fixture_loop_scope=function")
    installed = importlib.metadata.entry_points(group="pytest11")
    if "spectest" not in installed.names:
        options.append("-p spectest.pytest_plugin")
    return kept | {
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTEST_ADDOPTS": " ".join(options),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": str(ROOT),
    }


def rewrite(path: Path) -> int:
    """Put what is printed into the page; how many blocks changed."""
    markdown = path.read_text("utf-8")
    with tempfile.TemporaryDirectory() as folder:
        furnish(Path(folder).resolve(), path)
        page = Page(markdown, Path(folder).resolve(), str(path.relative_to(ROOT)))
        with contextlib.chdir(folder):
            found = list(page.differences())
    for difference in reversed(found):
        start, end = difference.block.span
        text = re.sub(r"[ \t]+$", "", difference.actual, flags=re.MULTILINE)
        markdown = markdown[:start] + text + markdown[end:]
    path.write_text(markdown, encoding="utf-8")
    return len(found)


if __name__ == "__main__":
    for page_path in [Path(name).resolve() for name in sys.argv[1:]] or pages():
        print(f"{page_path.relative_to(ROOT)}: {rewrite(page_path)} blocks changed")
