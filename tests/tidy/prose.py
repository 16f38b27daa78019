"""Rules about text that no linter has, as functions from a text to its complaints.

A phrase directly inside quotation marks or backticks is a mention, not a use: the rules can be
quoted, here and in CONTRIBUTING.md, without breaking them.
"""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
MAX_RECORD_LINES = 60

ROADMAP_WORDS = (
    r"for now(?! in\b)",
    r"(?i:phase) [A-Z0-9]",
    r"later phase",
    r"TODO",
    r"FIXME",
    r"not yet (?:implemented|supported)",
    r"coming soon",
    r"in a (?:future|later) (?:version|release)",
    r"will be (?:implemented|supported|added)",
)
ROADMAP = re.compile(r"(?<![\w\"`])(?:" + "|".join(ROADMAP_WORDS) + r")(?![\w\"`])")
MACHINE_PATH = re.compile(r"(?<![\w.:/-])/(?:root|home|work|Users)/")
LINE_REFERENCE = re.compile(r"\b[\w/]+\.(?:py|md|toml):\d+")
FENCED_BLOCK = re.compile(r"^( *)(```|~~~).*?^\1\2[ \t]*$", re.MULTILINE | re.DOTALL)

TEXT_FILES = {"", ".cfg", ".in", ".ini", ".md", ".py", ".pyi", ".sh", ".toml", ".txt", ".yml"}
GENERATED = {"__pycache__", "build", "dist", "htmlcov"}


def text_files(root: Path) -> Iterator[Path]:
    """Every text file of a checkout; hidden folders except `.ci` belong to other programs."""
    for folder, folders, files in os.walk(root):
        folders[:] = [
            name
            for name in folders
            if name == ".ci" or not (name.startswith(".") or name in GENERATED)
        ]
        for name in files:
            path = Path(folder, name)
            if path.suffix in TEXT_FILES and not name.startswith("."):
                yield path


def roadmap_words(text: str) -> list[str]:
    return _complaints(ROADMAP, text, "says what will be")


def machine_paths(text: str) -> list[str]:
    return _complaints(MACHINE_PATH, text, "names a path of one machine")


def line_references(markdown: str) -> list[str]:
    """Line numbers go stale; a report shown in a fenced block may hold them."""
    blanked = FENCED_BLOCK.sub(lambda block: "\n" * block[0].count("\n"), markdown)
    return _complaints(LINE_REFERENCE, blanked, "refers to a line number")


def lengths(source: str) -> list[str]:
    complaints = []
    if (lines := source.count("\n")) > MAX_FILE_LINES:
        complaints.append(f"file has {lines} lines, more than {MAX_FILE_LINES}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            if lines > MAX_FUNCTION_LINES:
                complaints.append(
                    f"`{node.name}` has {lines} lines, more than {MAX_FUNCTION_LINES}"
                )
    return complaints


def decision_record(markdown: str) -> list[str]:
    lines = markdown.rstrip().splitlines()
    complaints = []
    if len(lines) > MAX_RECORD_LINES:
        complaints.append(f"record has {len(lines)} lines, more than {MAX_RECORD_LINES}")
    if not lines or not lines[-1].startswith("Enforced by: "):
        complaints.append("last line does not say what enforces the decision")
    return complaints


def _complaints(pattern: re.Pattern[str], text: str, why: str) -> list[str]:
    return [
        f"line {text.count(chr(10), 0, match.start()) + 1} {why}: {match[0]!r}"
        for match in pattern.finditer(text)
    ]
