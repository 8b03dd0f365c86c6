"""The Python of the site runs as it stands, page by page; what takes long is made small, and fitted once."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gans.config.compose import compose
from gans.data.customer_histories import Histories
from gans.data.frames import text_name
from gans.files import write_text
from gans.runs.saved import SavedRun
from gans.synthesizer import Synthesizer
from tests.docs.test_commands import PRIVATE, ROOT, SHORT, TRANSLATED, appended, blocks, smaller, write_inputs

OF_THE_SHELL = {"command.md", "conventions.md", "install.md", "scaling.md"}  # no Python does the same
NOT_RUN = {"reference.md": "trains for minutes", "variant.md": "it is part of a plugin"}
PAGES = [page for page in sorted((ROOT / "docs").glob("*.md")) if blocks(page, "python")]
FEW = ("data.limit=500", "data.holdout=0.3", "trainer.steps=4")
METADATA = {
    "METADATA_SPEC_VERSION": "SINGLE_TABLE_V1",
    "primary_key": "customer_id",
    "columns": {
        **{name: {"sdtype": "categorical"} for name in ("zip", "segment", "plan", "churned")},
        **{name: {"sdtype": "numerical"} for name in ("age", "income")},
        **{name: {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"} for name in ("opened", "closed")},
        "customer_id": {"sdtype": "id"},
        "email": {"sdtype": "email"},
    },
}


class Fits:
    """`Synthesizer.fit`, small: like variants of like tables are trained once, and their run is copied."""

    def __init__(self) -> None:
        self.trained: dict[Any, tuple[Path, Any]] = {}
        self.fit = Synthesizer.fit

    def __call__(self, model: Synthesizer, frame: Any = None, y: Any = None) -> Synthesizer:
        asked = [f"+experiment={model.experiment}", *model.overrides]
        run = compose(asked)  # every override of the page is one
        if isinstance(run.data, Histories):  # of several tables, on one page
            return self.fit(model.set_params(overrides=[*model.overrides, *SHORT, *FEW]), frame, y)
        experiment = "vanilla" if model.experiment == "tabular" else model.experiment
        own = [one for one in model.overrides if not one.startswith("trainer.steps")]
        small = appended("gans.train", [f"+experiment={experiment}", *own])
        small = (*small, *(() if small == PRIVATE else FEW))
        names = None if frame is None else tuple(map(text_name, frame.columns))
        kept = {name: value for name, value in dataclasses.asdict(run).items() if name in ("data", "transfer")}
        key = str((experiment, names, sorted(own), kept, model.kinds, model.metadata))
        if key not in self.trained:
            copy = Synthesizer(experiment=experiment, overrides=[*own, *small], progress=False)
            copy.set_params(kinds=model.kinds, formats=model.formats, metadata=model.metadata)
            self.fit(copy, frame, y)
            self.trained[key] = copy.run_dir_, copy._given
        path, given = self.trained[key]
        if model.run_dir is not None:
            path = Path(shutil.copytree(path, Path(model.run_dir)))
        saved = SavedRun.open(path)
        model._set(saved.sampler(), path, saved.summary)
        model._given = given
        return model


@pytest.fixture(scope="module")
def fits() -> Fits:
    return Fits()


def write_page(path: Path, results: Any) -> Any:
    """In the place of a report, whose figures take longer than the rest."""
    del results
    write_text(path, "<!DOCTYPE html>\n")
    return dict


def test_a_translated_page_has_the_python_of_the_english_one() -> None:
    for page in TRANSLATED:
        english = blocks(ROOT / "docs" / page.name, "python")
        assert [block for block in blocks(page, "python") if block not in english] == [], page


def test_pages_with_commands_have_python_beside_them() -> None:
    with_commands = {page.name for page in (ROOT / "docs").glob("*.md") if blocks(page, "bash")}
    assert with_commands - {page.name for page in PAGES} == OF_THE_SHELL


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", [page for page in PAGES if page.name not in NOT_RUN], ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, fits: Fits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_inputs(tmp_path)
    (tmp_path / "metadata.json").write_text(json.dumps(METADATA))
    monkeypatch.setattr("gans.report.page.report_run", write_page)
    monkeypatch.setattr("gans.runs.judged.LEVEL", "fast")
    monkeypatch.setattr(Synthesizer, "fit", lambda model, frame=None, y=None: fits(model, frame, y))
    if "gans.load(" in page.read_text(encoding="utf-8"):
        overrides = ["data=table", "data.path=customers.csv"]
        Synthesizer(overrides=overrides, run_dir=tmp_path / "runs/tabular/first").fit()
    names: dict[str, Any] = {}
    for block in blocks(page, "python"):
        exec(compile(smaller(block), page.name, "exec"), names)
    assert names
