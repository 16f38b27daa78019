"""`report`: a page that a browser shows without asking anybody, and the same bytes again."""

import html.parser
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from simulators import cli
from tests.unit.simulators.conftest import Command
from tests.unit.simulators.scenario_files import POOLED

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)

LOOKS = """<script>addEventListener("load", () => {
    const sizes = [...document.images].map(image => [image.naturalWidth, image.naturalHeight]);
    const asked = performance.getEntriesByType("resource").map(one => one.name);
    const overflow = document.documentElement.scrollWidth - innerWidth;
    document.body.innerHTML = "";
    document.body.textContent = JSON.stringify({sizes, asked, overflow});
})</script>"""
"""What a browser made of a page, in place of the page."""

VOID = {"meta", "img"}


class Reader(html.parser.HTMLParser):
    """Tags that are closed in the order in which they were opened, text, and addresses."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [str(value) for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def report(command: Command, name: str) -> str:
    left = command("report", name, "-o", "out.html", "--n", 300)
    assert (left.code, left.err) == (0, "")
    return Path("out.html").read_text("utf-8")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The report on pooled.toml."""
    folder = tmp_path_factory.mktemp("report")
    (folder / "pooled.toml").write_text(POOLED, "utf-8")
    place = folder / "out.html"
    code = cli.main(["report", str(folder / "pooled.toml"), "-o", str(place), "--n", "300"])
    assert code == 0
    return place.read_text("utf-8")


def test_it_has_numbers_control_plots_scenario_and_origin(page: str) -> None:
    read = Reader(page)
    assert read.open == []
    for words in (
        "Verdict inconclusive Hedge(delay=1.8722369194043704",
        "pooled.toml: Hedge(delay=1.872, most=None) of llm, backup",
        "300 requests by the engine 'fast', seed 0",
        "Without speculation: Sequential() on the same draws",
        "Who waits how long",
        "What a hedge delay buys",
        "What a load does",
        "LogNormal(median=0.6, sigma=0.6918)",
        'kind = "Hedge"',
        "300, of which the first 30 are cut",
        "not applicable: Hedge(delay=1.872, most=None) with a pool has no formula",
    ):
        assert words in read.text
    assert len(read.addresses) == 3


def test_nothing_is_loaded_and_nothing_is_run(page: str) -> None:
    read = Reader(page)
    assert all(address.startswith("data:image/svg+xml;base64,") for address in read.addresses)
    assert not read.tags & {"script", "link", "iframe", "object", "video"}


def test_the_same_input_gives_the_same_bytes(command: Command, page: str) -> None:
    options = ("-o", "again.html", "--n", "300")
    finished = subprocess.run(
        [sys.executable, "-m", "simulators", "report", "pooled.toml", *options],
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "77", "TZ": "Pacific/Auckland"},
    )
    assert finished.returncode == 0
    assert Path("again.html").read_text("utf-8") == page


@pytest.fixture
def no_plots(monkeypatch: pytest.MonkeyPatch) -> None:
    """matplotlib is not installed."""
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "matplotlib" else find(name)
    )
    monkeypatch.setitem(sys.modules, "matplotlib", None)


@pytest.mark.usefixtures("no_plots")
def test_without_matplotlib_there_are_tables_and_a_hint(command: Command) -> None:
    read = Reader(report(command, "pooled.toml"))
    assert "pip install spectest[plots]" in read.text
    assert read.addresses == []
    assert "delay p50, s p99, s p99 of control, s extra work" in read.text
    left = command("run", "free.toml", "--n", 10, "--plot", "out.svg")
    assert (left.code, left.out) == (3, "")
    assert left.err.endswith("which needs matplotlib, which is not installed; "
                             "pip install spectest[plots]\n")  # fmt: skip


@pytest.mark.usefixtures("no_plots")
def test_measured_latencies_do_not_fill_the_page(command: Command) -> None:
    values = ", ".join(f"{value / 10_000:.4f}" for value in range(1, 3_000))
    text = Path("pooled.toml").read_text("utf-8")
    law = f'{{kind = "Empirical", values = [{values}]}}'
    Path("long.toml").write_text(text.replace("{p50 = 0.6, p99 = 3.0}", law), "utf-8")
    page = report(command, "long.toml")
    assert len(page) < 30_000
    assert "As a file it has" in page


@pytest.mark.usefixtures("no_plots")
def test_what_never_speculates_has_no_verdict(command: Command) -> None:
    text = Path("free.toml").read_text("utf-8").partition("[policy]")[0]
    Path("alone.toml").write_text(f'{text}[policy]\nkind = "Sequential"\n', "utf-8")
    text = Reader(report(command, "alone.toml")).text
    assert "Verdict none policy is Sequential(), which never runs two branches at once" in text


@pytest.mark.usefixtures("no_plots")
def test_names_are_text_and_not_markup(command: Command) -> None:
    text = Path("free.toml").read_text("utf-8")
    evil = text.replace('"backup"', '"<img src=x onerror=alert(1)>"')
    Path("evil.toml").write_text(evil, "utf-8")
    read = Reader(report(command, "evil.toml"))
    assert "of llm, <img src=x onerror=alert(1)>" in read.text
    assert "x" not in read.addresses


@pytest.mark.skipif(not BROWSER, reason="no browser: apt-get install chromium")
def test_a_browser_shows_it(page: str, tmp_path: Path) -> None:
    seen = looked_at(page, tmp_path)
    assert [width > 300 and height > 200 for width, height in seen["sizes"]] == [True] * 3
    assert seen["asked"] == []
    assert seen["overflow"] <= 0


@pytest.mark.skipif(not BROWSER, reason="no browser: apt-get install chromium")
def test_a_browser_would_notice(tmp_path: Path) -> None:
    elsewhere, broken = "http://127.0.0.1:9/other.png", "data:image/svg+xml;base64,PHN2"
    page = f'<body><img src="{elsewhere}"><img src="{broken}"><p style="width: 5000px">wide</p>'
    seen = looked_at(page, tmp_path)
    assert seen["sizes"] == [[0, 0], [0, 0]]
    assert seen["asked"] == [elsewhere]
    assert seen["overflow"] > 3000


def looked_at(page: str, folder: Path) -> Any:
    """Sizes of pictures, what was asked for, and what does not fit the width, by a browser."""
    (folder / "page.html").write_text(page.replace("</body>", "") + LOOKS, "utf-8")
    options = ["--headless", "--disable-gpu", "--window-size=1100,900"]
    options += [f"--user-data-dir={folder / 'profile'}"]
    options += ["--no-sandbox"] if os.geteuid() == 0 else []
    dom = subprocess.run(
        [BROWSER, *options, "--dump-dom", (folder / "page.html").as_uri()],
        capture_output=True,
        text=True,
        timeout=100,
        check=True,
    ).stdout
    body = dom.partition("<body>")[2].partition("</body>")[0]
    return json.loads(body)
