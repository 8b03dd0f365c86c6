"""What a terminal of a width shows, and what a file gets: no broken line, no control character, few lines."""

import io
import logging
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

from gans.tracking import terminal as module
from gans.tracking.bars import Bars, clock, shortened
from gans.tracking.log import set_up_log
from gans.tracking.terminal import Terminal, progress_bar, quieten, waiting
from gans.tracking.wrapped import wrapped


class Screen(io.StringIO):
    """A text file that says it is a terminal; its width is not known, so that it counts as 80."""

    def isatty(self) -> bool:
        return True


class Time:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(bars: Bars, console: Console) -> list[str]:
    """The lines of the bars, as a terminal gets them."""
    with console.capture() as capture:
        console.print(bars.make_tasks_table(bars.tasks))
    return capture.get().splitlines()


def moved(width: int, unit: str, name: str, total: int, note: str = "") -> str:
    """The one line of a bar that was moved twice within a hundred seconds."""
    time, console = Time(), Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None)
    bars = Bars(unit, console, live=True)
    bars.get_time = time
    task = bars.add_task(name, total=total, note=note)
    bars.tasks[0].get_time = lambda: time()  # pyright: ignore[reportAttributeAccessIssue]
    bars._tasks[task]._get_time = time
    for second in (50, 100):
        time.now = second
        bars.update(task, completed=total * second // 200)
    (line,) = lines(bars, console)
    return line


@pytest.mark.parametrize("width", [40, 60, 80, 120, 200])
@pytest.mark.parametrize(("unit", "name", "total", "note"), [
    ("steps", "training", 300, "score 0.8134"),
    ("steps", "evaluating", 1_000_000, "mean score 0.8134"),
    ("rows", "a-file-with-a-very-long-name-of-customers-2025.parquet", 100_000_000, ""),
    ("metrics", "samples.parquet: membership densities", 14, ""),
    ("%", "training by marginals", 100, ""),
    ("rows", "\u5ba2\u6237" * 30 + ".csv", 5_000, ""),  # two cells a letter
])  # fmt: skip
def test_a_bar_is_one_line_of_the_width(width: int, unit: str, name: str, total: int, note: str) -> None:
    line = moved(width, unit, name, total, note)
    assert cell_len(line) <= width
    assert "1:40" in line  # for how long
    if width >= 80:
        assert f"{total // 2:,}/{total:,} {unit}" in line or "50%" in line
        assert line.rstrip().endswith(note)
        assert re.search(r"1:40, 1:\d\d left", line)


def test_a_rate_is_of_things_that_are_like_each_other() -> None:
    assert "2.0/s" in moved(120, "steps", "training", 400)
    assert "5.0 s each" in moved(120, "steps", "training", 40)
    assert "/s" not in moved(120, "metrics", "samples", 400)
    assert "each" not in moved(120, "metrics", "samples", 40)


def test_a_name_that_is_too_long_loses_its_middle() -> None:
    assert shortened("customers-2025-11.parquet", 15) == "custom...arquet"
    assert shortened("rows.csv", 15) == "rows.csv"
    assert [clock(seconds) for seconds in (7, 725, 12_000)] == ["0:07", "12:05", "3:20:00"]


def run(terminal: Terminal) -> None:
    """The stages of a run of twenty steps."""
    with terminal:
        terminal.turn("read", "the table")
        terminal.turn("compile")
        terminal.train(20, 0, 1)
        for step in (10, 20):
            terminal.turn("compile" if step == 10 else "train")
            terminal.turn("train")
            terminal.turn("evaluate")
            scores = {"column_distance": 0.25, "score": 0.7}
            terminal.log({f"holdout/{name}": value for name, value in scores.items()} | {"seconds": 3.0}, step)
        terminal.trained()
        terminal.turn("refine")
        terminal.part("trees", 3, 200)
        terminal.turn("sample", "540 rows")
        terminal.turn("write", "report.html")


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[..., io.StringIO]:
    """A function: what is shown goes into a text from now on, which is a terminal of 80 columns or a file."""

    def make(live: bool) -> io.StringIO:
        out = io.StringIO()
        console = Console(file=out, force_terminal=live, width=80, highlight=False, color_system=None)
        monkeypatch.setattr(module, "console", console)
        return out

    return make


def test_a_file_gets_plain_lines(on: Callable[..., io.StringIO]) -> None:
    out = on(live=False)
    run(Terminal(show=True))
    assert out.getvalue().splitlines() == [
        "compiling",
        "step 10  columns 0.2500  score 0.7000  3 s",
        "step 20  columns 0.2500  score 0.7000  3 s",
        "refining",
        "sampling 540 rows",
    ]


def test_a_terminal_gets_a_bar_that_says_what_is_done(on: Callable[..., io.StringIO]) -> None:
    out, terminal, seen = on(live=True), Terminal(show=True), []
    turn, part = terminal.turn, terminal.part
    console = Console(file=io.StringIO(), width=80, color_system=None)

    def watched(call: Callable[..., None]) -> Callable[..., None]:
        def called(*given: Any) -> None:
            call(*given)
            seen.extend(lines(terminal.bars, console))

        return called

    terminal.turn, terminal.part = watched(turn), watched(part)
    run(terminal)
    words = list(dict.fromkeys(re.sub(r"  .*", "", line) for line in seen))
    assert words == ["reading the table", "compiling", "training", "evaluating", "trained", "refining",
                     "sampling 540 rows", "writing report.html"]  # fmt: skip
    assert any(re.search(r"refining .* 3/200 trees", line) for line in seen)
    assert max(len(line) for line in seen) <= 80
    assert "step 10" not in out.getvalue()
    (last,) = lines(terminal.bars, console)
    assert last.startswith("trained ")
    assert "20/20 steps" in last
    assert last.endswith("score 0.7000")


def test_a_run_that_stops_early_is_not_called_trained(on: Callable[..., io.StringIO]) -> None:
    on(live=True)
    terminal = Terminal(show=True)
    terminal.turn("compile")
    terminal.train(20, 5, 3)
    terminal.log({"holdout/score": 0.5, "seconds": 1.0}, 15)
    terminal.trained()
    (line,) = lines(terminal.bars, Console(file=io.StringIO(), width=80, color_system=None))
    assert re.match(r"stopped .* 15/20 steps .* mean score 0.5000$", line)
    assert "left" not in line


def test_nothing_is_shown_where_nobody_asked_or_all_is_quiet(on: Callable[..., io.StringIO]) -> None:
    for live in (False, True):
        out = on(live)
        run(Terminal(show=False))
        assert out.getvalue() == ""
        quieten()
        assert not module.watched()
        run(Terminal(show=True))
        with progress_bar("rows", module.watched()) as bar:
            bar.update(bar.add_task("rows.csv", total=10), completed=10)
        assert out.getvalue() == ""


def test_a_line_stands_where_one_waits_and_goes_when_it_is_over(on: Callable[..., io.StringIO]) -> None:
    out = on(live=True)
    with pytest.raises(ValueError, match="no"), waiting("finding segments"):
        raise ValueError("no")
    assert "finding segments" in out.getvalue()
    assert "/" not in out.getvalue().rpartition("finding segments")[2]  # how far it is, nobody has said
    assert out.getvalue().rpartition("finding segments")[2].count("\x1b[2K") > 0  # the line is taken away
    out = on(live=True)
    with waiting("finding segments") as tell:
        tell("customers", 512, 2_048)
        until = time.monotonic() + 60  # it is drawn anew ten times a second
        while "512/2,048 customers" not in out.getvalue() and time.monotonic() < until:
            time.sleep(0.05)
    assert "512/2,048 customers" in out.getvalue()
    out = on(live=False)
    with waiting("finding segments") as tell:
        tell("customers", 512, 2_048)
    assert out.getvalue() == ""


def test_seconds_belong_to_the_stage_that_took_them(monkeypatch: pytest.MonkeyPatch) -> None:
    time = Time()
    monkeypatch.setattr(module.time, "monotonic", time)
    terminal = Terminal(show=False)
    for stage, seconds in (("read", 2), ("compile", 10), ("train", 3), ("evaluate", 1), ("train", 4), ("track", 9)):
        terminal.turn(stage)
        time.now += seconds
    terminal.turn("write")
    time.now += 0.5
    found = {"read_seconds": 2, "compile_seconds": 10, "train_seconds": 7, "evaluate_seconds": 1, "write_seconds": 0.5}
    assert terminal.stage_seconds() == found


def test_a_line_of_the_log_breaks_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "completed after 20 steps: " + "see runs/vanilla/2026-11-28_13-36-25/report.html " * 3
    out = Screen()
    monkeypatch.setattr("sys.stderr", out)
    set_up_log()
    for line in (text, "  gans evaluate run=" + "x" * 90, "a traceback\n" + "y " * 60):
        logging.getLogger("gans").info("%s", line)
    shown = out.getvalue()
    first = wrapped(text, out).splitlines()
    assert shown.splitlines()[: len(first)] == first
    assert max(map(len, first)) <= 80
    assert " ".join(first).split() == text.split()
    assert "  gans evaluate run=" + "x" * 90 + "\n" in shown  # to be pasted
    assert "y " * 60 in shown
    assert wrapped(text, io.StringIO()) == text
