"""The bar in a notebook, without ipywidgets."""

from typing import Any

import pytest
from rich.console import Console

from gans.tracking import terminal
from gans.tracking.log import silenced
from gans.tracking.notebook_bars import NotebookBars


class Shown:
    """What a front end keeps of a display."""

    def __init__(self) -> None:
        self.drawn: list[str] = []

    def display(self, shown: Any, display_id: bool) -> "Shown":
        assert display_id
        self.update(shown)
        return self

    def update(self, shown: Any) -> None:
        self.drawn.append(shown._repr_mimebundle_([], [])["text/html"])


@pytest.fixture
def front(monkeypatch: pytest.MonkeyPatch) -> Shown:
    shown = Shown()
    monkeypatch.setattr("IPython.display.display", shown.display)
    monkeypatch.setattr(terminal, "console", Console(stderr=True, force_jupyter=True))
    return shown


def test_a_bar_is_drawn_as_it_moves_and_at_the_end(front: Shown, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gans.tracking.notebook_bars.SECONDS", 0.0)
    assert terminal.watched()
    with terminal.progress_bar("rows", terminal.watched()) as bar:
        assert isinstance(bar, NotebookBars)
        task = bar.add_task("drawn", total=3)
        bar.advance(task)
        bar.update(task, advance=1)
        bar.update(task, completed=3)
    assert [part in page for part, page in zip(("0/3", "1/3", "2/3", "3/3"), front.drawn[-4:], strict=False)]
    assert "3/3" in front.drawn[-1]
    assert len(front.drawn) >= 4


def test_it_is_not_drawn_at_every_move(front: Shown) -> None:
    with terminal.progress_bar("rows", True) as bar:
        task = bar.add_task("drawn", total=1000)
        for _ in range(1000):
            bar.advance(task)
    assert len(front.drawn) < 20


def test_nothing_is_shown_where_nobody_asks_for_it(front: Shown) -> None:
    with silenced(True), terminal.progress_bar("rows", terminal.watched()) as bar:
        bar.advance(bar.add_task("drawn", total=1))
    assert not front.drawn
    assert terminal.watched()
