"""A run in the layout of a model repository of Hugging Face: its files, a README.md and what Git LFS keeps."""

from pathlib import Path

from gans.files import write_text
from gans.runs.files import RunFiles
from gans.runs.saved import SavedRun

MARK = "---"
FRONT = """---
library_name: gans
tags:
- tabular
- synthetic-data
- gan
- jax
---
"""
LARGE = """*.npz filter=lfs diff=lfs merge=lfs -text
*.parquet filter=lfs diff=lfs merge=lfs -text
checkpoints/** filter=lfs diff=lfs merge=lfs -text
"""
LOADING = """
## Load it

```python
import gans

rows = gans.load("FOLDER").sample(1000)  # the folder of this repository, after `git clone`
```
"""


def write_layout(folder: Path) -> None:
    """Add README.md, the model card with its front matter in YAML, and .gitattributes to the copy of a run."""
    write_text(folder / "README.md", readme(folder))
    write_text(folder / ".gitattributes", LARGE)


def readme(folder: Path) -> str:
    """The model card of the run, else a short one; with a front matter, which is added where it has none."""
    files = RunFiles(folder)
    folder = files.customers if files.histories.is_file() else folder  # of histories, that of their customers
    card = RunFiles(folder).card
    text = card.read_text(encoding="utf-8") if card.is_file() else _short(folder)
    return f"{text if text.startswith(MARK) else FRONT + text}".rstrip() + "\n" + LOADING


def _short(folder: Path) -> str:
    saved = SavedRun.open(folder)
    columns = [f"- {line}" for line in saved.schema.lines()]
    scores = saved.summary.get("scores", {}).get("holdout", {})
    found = [f"- {name}: {value:.4f}" for name, value in scores.items()]
    lines = [
        f"# {saved.run.name}",
        "",
        "A generator of synthetic rows, trained by gans. The files hold no training row.",
        "",
        "## Columns",
        "",
        *columns,
        *(["", "## Scores against held-out rows", "", *found] if found else []),
    ]
    return "\n".join(lines) + "\n"
