import io
import sys
import time

import pytest

from simulators.sweeps.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def seconds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    return now


def test_a_bar_is_drawn_on_a_terminal(
    seconds: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    bar = Progress(48, 12, shown=True)
    seconds[0] = 4.0
    bar.advance(12)
    bar.end("interrupted")
    first, second = terminal.getvalue().split("\r")[1:]
    assert first == "[######..................] 12/48 rows\x1b[K"
    assert (
        second == "[############............] 24/48 rows, 3 a second, 8 s left\x1b[K\ninterrupted\n"
    )


def test_lines_are_written_elsewhere_one_for_each_tenth(
    seconds: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    bar = Progress(100, 0, shown=True)
    for second in range(1, 26):
        seconds[0] = second * 100.0
        bar.advance(1)
        bar.show()
    bar.end()
    assert capsys.readouterr().err == (
        "0/100 rows\n"
        "10/100 rows, 0.01 a second, 2 h 30 min left\n"
        "20/100 rows, 0.01 a second, 2 h 13 min left\n"
    )


def test_nothing_is_written_if_it_is_switched_off(capsys: pytest.CaptureFixture[str]) -> None:
    bar = Progress(2, 0, shown=False)
    bar.advance(2)
    bar.end("done")
    assert capsys.readouterr() == ("", "")
