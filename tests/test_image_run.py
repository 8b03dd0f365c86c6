"""A run on images from the table to samples, page and evaluation."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gans.config.components import conf_folder
from gans.config.compose import compose
from gans.errors import UserError
from gans.evaluation.metrics import TrainingJudge, all_metrics

SMALL = ("+experiment=cgan", "+debug=limit", "data=digits", "network=dcgan", "network.channels=4", "samples=100",
         "data.limit=800", "trainer.steps=4", "trainer.block=2", "trainer.evaluate_every=2")  # fmt: skip


@pytest.mark.slow
def test_digits_are_trained_on_sampled_by_label_and_judged(command: Callable[..., Any], tmp_path: Path) -> None:
    done = command("train", *SMALL, "run_dir=run")
    assert done.status == 0, done.err
    assert "trainer.best=fid in place of score" in done.err
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["scores"]["holdout"]["fid"] > summary["scores"]["floor"]["fid"] > 0
    assert summary["scores"]["best"][0]["value"] > 0
    page = (tmp_path / "run" / "report.html").read_text()
    assert 'id="pictures"' in page
    assert "FID to held-out images" in page
    assert 'id="sample"' not in page
    done = command("sample", "run=run", "n=20", "out=sevens.parquet", "where=digit == '7'")
    assert done.status == 0, done.err
    rows = pq.read_table(tmp_path / "sevens.parquet")
    assert set(rows["digit"].to_pylist()) == {"7"}
    images = rows["image"].combine_chunks().to_numpy_ndarray()
    assert (images.shape, images.dtype) == ((20, 8, 8, 1), np.uint8)
    assert images.max() <= 16
    done = command("evaluate", "run=run")
    assert done.status == 0, done.err
    assert json.loads((tmp_path / "run" / "evaluation.json").read_text())["scores"]["fid"] > 0
    done = command("sample", "run=run", "n=5", "out=rows.csv")
    assert done.status == 2
    assert "images go into .parquet files" in done.err


def test_real_digits_have_no_distance_and_noise_has_much() -> None:
    split = compose(["data=digits"]).data.split()
    judge = TrainingJudge(["images"], split.holdout, split.schema)
    assert judge(split.holdout)["fid"] == pytest.approx(0, abs=1e-3)
    real = judge(split.training)["fid"]
    rng = np.random.default_rng(0)
    import pyarrow as pa

    noise = rng.integers(0, 17, (300, 8, 8, 1)).astype(np.uint8)
    table = pa.table({"image": pa.FixedShapeTensorArray.from_numpy_ndarray(noise)})
    assert judge(table)["fid"] > 10 * real
    assert all_metrics()["fidelity"].lacks(split.schema)
    assert not all_metrics()["fidelity"].lacks(compose(["data.limit=100"]).data.split().schema)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (["data=digits", "refine=boosted"], "refine=boosted: it takes columns of single values"),
        (["data=digits", "condition=subsets"], "condition=subsets: it takes columns of single values"),
        (["network=dcgan"], "need a column of images"),
        (["data=digits", "condition=labels", "condition.columns=[image]"], "column 'image' is not among the learned"),
    ],
)
def test_parts_that_do_not_fit_images_are_refused(overrides: list[str], message: str) -> None:
    from gans.runs.build import build
    from gans.runs.prepare import prepare

    def made() -> None:
        ready = prepare(compose(overrides))
        build(ready.run, ready.condition)

    with pytest.raises(UserError, match=message):
        made()


EXPERIMENTS = {path.stem for path in (conf_folder() / "experiment").glob("*.yaml")}
OF_TABLES = {"tabular", "dp_marginals", "dp_gan", "pate_gan", "histories"}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", sorted({path.stem for path in (conf_folder() / "experiment").glob("*.yaml")} - OF_TABLES)
)
def test_every_experiment_trains_on_digits(name: str, tmp_path: Path) -> None:
    """With its own network."""
    from gans.runs.execute import execute

    overrides = [f"+experiment={name}", "+debug=limit", "data=digits", f"run_dir={tmp_path / 'run'}"]
    assert execute(compose(overrides), show=False).status == "completed"
