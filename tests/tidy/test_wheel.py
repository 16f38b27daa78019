"""The wheel holds the two packages, their licence and nothing else."""

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

import pytest

PACKAGES = ("spectest", "simulators")
REQUIRED = (
    "spectest/__init__.py",
    "spectest/py.typed",
    "spectest/patterns/record.schema.json",
    "simulators/__init__.py",
    "simulators/scenario.schema.json",
)


def contents(root: Path, out: Path) -> list[str]:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=root,
        capture_output=True,
        check=True,
    )
    (wheel,) = out.glob("*.whl")
    return zipfile.ZipFile(wheel).namelist()


def problems(names: Iterable[str]) -> list[str]:
    names = list(names)
    missing = [f"missing: {name}" for name in REQUIRED if name not in names]
    if not any(name.endswith(".dist-info/licenses/LICENSE") for name in names):
        missing.append("missing: LICENSE")
    strays = [
        f"stray: {name}"
        for name in names
        if not name.startswith(tuple(f"{package}/" for package in PACKAGES))
        and not name.partition("/")[0].endswith(".dist-info")
    ]
    caches = [f"stray: {name}" for name in names if "__pycache__" in name]
    return missing + strays + caches


@pytest.fixture
def copy(repository: Path, tmp_path: Path) -> Path:
    root = tmp_path / "copy"
    root.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(repository / name, root)
    for package in PACKAGES:
        shutil.copytree(repository / package, root / package)
    return root


def test_the_wheel_holds_the_packages_and_nothing_else(copy: Path, tmp_path: Path) -> None:
    names = contents(copy, tmp_path / "out")
    assert problems(names) == []
    modules = {
        str(path.relative_to(copy)) for name in PACKAGES for path in (copy / name).rglob("*.py")
    }
    assert modules <= set(names)


def test_a_stray_folder_is_found(copy: Path, tmp_path: Path) -> None:
    (copy / "tests").mkdir()
    (copy / "tests/test_stray.py").touch()
    project = copy / "pyproject.toml"
    packages = 'packages = ["spectest", "simulators"'
    text = project.read_text()
    assert packages in text
    project.write_text(text.replace(packages, packages + ', "tests"'))

    assert problems(contents(copy, tmp_path / "out")) == ["stray: tests/test_stray.py"]


def test_a_missing_marker_is_found() -> None:
    present = [name for name in REQUIRED if name != "spectest/py.typed"]
    names = [*present, "x.dist-info/licenses/LICENSE"]
    assert problems(names) == ["missing: spectest/py.typed"]
    assert "missing: LICENSE" in problems(present)
