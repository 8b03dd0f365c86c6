"""The files of a comparison."""

from pathlib import Path

from gans.comparison import tables
from gans.comparison.comparison import Comparison
from gans.comparison.figures import comparison_figures
from gans.comparison.page import render_page
from gans.files import write_atomic, write_text
from gans.report.figures import render, words_of_pictures


def write(comparison: Comparison, folder: Path) -> None:
    """comparison.md, .tex, .csv and .html, and each figure as PDF and PNG.

    Raises:
        OSError: the folder cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    figures = comparison_figures(comparison)
    with words_of_pictures():
        pictures = comparison_figures(comparison)
    for name, figure in pictures.items():
        for kind in ("pdf", "png"):
            content = render(figure, kind)
            write_atomic(folder / f"{name}.{kind}", lambda path, content=content: path.write_bytes(content))
    write_text(folder / "comparison.md", tables.markdown(comparison))
    write_text(folder / "comparison.tex", tables.latex(comparison))
    write_text(folder / "comparison.csv", tables.observations_csv(comparison))
    write_text(folder / "comparison.html", render_page(comparison, figures, folder))
