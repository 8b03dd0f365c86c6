import csv
import io
import itertools
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from gans.comparison import comparison, wandb_runs
from gans.comparison.comparison import Comparison, compare
from gans.comparison.figures import comparison_figures
from gans.comparison.output import write
from gans.comparison.sources import read_runs
from gans.comparison.tables import escaped, latex, markdown, observations_csv, terminal, winner_sentence
from gans.errors import UserError
from gans.runs.record import Observation, RunRecord, make_record

FILES = {"comparison.md", "comparison.tex", "comparison.csv", "comparison.html"}


def run(
    variant: str, data: str = "adult", seed: int = 0, seeds: int = 5, level: float = 0.5, draws: int = 1, **changed: Any
) -> RunRecord:
    """A run whose seeds score about `level`."""
    rng = np.random.default_rng([len(variant), ord(data[0]), seed])
    config = {
        "name": variant,
        "seed": seed,
        "components": {"data": "published", "objective": "minimax"},
        "data": {"file": f"{data}.parquet", "holdout": 0.1, "split_seed": 0, "limit": None},
        "trainer": {"steps": changed.get("steps", 100), "seeds": seeds},
        "optimizer": {"learning_rate": 1e-3},
    }
    summary = {"status": "completed", "steps": 100, "seconds": 9.0, "rows": {"training": 900}} | changed
    observed = []
    for place in range(seeds):
        value = level + rng.normal(0, 0.01)
        for draw in range(draws):
            scores = {"xgb_c2st": value + rng.normal(0, 0.001) * (draw > 0), "shape_error": 9 - 5 * value}
            observed.append({"seed": seed + place, "draw": draw, "scores": scores})
    best = [{"seed": seed + place, "step": 100, "value": level} for place in range(seeds)]
    summary["scores"] = {"best": best}
    history = [
        {"step": step, "seconds": step / 10}
        | {f"seed{seed + k}/holdout/score": level * step / 100 for k in range(seeds)}
        for step in (50, 100)
    ]
    rows = {"real": 900, "synthetic": 900, "test": 100}
    evaluation = {"level": "standard", "rows": rows, "observed": observed} if summary["status"] != "diverged" else {}
    return make_record(f"runs/{variant}-{data}-{seed}", config, summary, history, evaluation)


def three(**changed: Any) -> list[RunRecord]:
    levels = {"vanilla": 0.2, "cgan_x": 0.21, "wgan_gp": 0.7}
    return [
        run(variant, data, level=level, **changed) for variant, level in levels.items() for data in ("adult", "churn")
    ]


def test_the_better_one_is_told_and_the_like_ones_are_not() -> None:
    found = compare(three(), "experiment", ["xgb_c2st", "shape_error"])
    assert found.variants == ["vanilla", "cgan_x", "wgan_gp"]
    assert found.data == ["adult", "churn"]
    for metric in found.metrics:
        assert metric.best == {"adult": "wgan_gp", "churn": "wgan_gp"}
        chances = {(pair.left, pair.right): pair for pair in metric.pairs}
        assert chances["vanilla", "wgan_gp"].chance == 0
        assert chances["vanilla", "wgan_gp"].corrected == pytest.approx(3 * 2 / 2**10)
        assert metric.ranks is not None
        assert metric.ranks.means[2] == 1
        assert metric.ranks.blocks == 10
    assert found.metrics[0].overall["wgan_gp"][0] == pytest.approx(0.7, abs=0.02)
    assert found.metrics[1].sign == -1


def test_the_winner_is_named_or_that_none_is_shown_above_the_remarks(tmp_path: Path) -> None:
    sure = compare(three(), "experiment", ["xgb_c2st"])
    said = winner_sentence(sure)
    assert said.tone == "good"
    assert said.text.startswith("wgan_gp wins by 'XGB-C2ST of three folds, against training rows': ")
    assert "on every data set" in said.text
    assert terminal(sure).startswith(said.text)
    alike = compare([run("a"), run("bb", level=0.501)], "experiment", ["xgb_c2st"])
    said = winner_sentence(alike)
    assert said.tone == "note"
    leader = max(("a", "bb"), key=lambda name: alike.metrics[0].cells[name, "adult"].mean)
    assert said.text.startswith("No winner is shown by ")
    assert f"intervals overlap. {leader} has the best mean (a 0." in said.text
    half = compare([run("a"), run("bb"), run("a", "churn"), run("bb", "churn", level=0.9)], "experiment", ["xgb_c2st"])
    assert "No variant wins everywhere" in winner_sentence(half).text
    assert "shown to be best: bb on churn" in winner_sentence(half).text
    write(alike, tmp_path)
    page = (tmp_path / "comparison.html").read_text()
    places = [page.index(text) for text in ("No winner is shown", '<section id="remarks">', '<section id="metric0">')]
    assert places == sorted(places)


def test_a_score_that_some_runs_lack_is_left_out_and_said() -> None:
    runs = three()
    for one in runs[:2]:
        for found in one.evaluated:
            found.scores.pop("xgb_c2st")
    found = compare(runs, "experiment")
    assert [metric.name for metric in found.metrics] == ["shape_error"]
    assert "xgb_c2st left out: not all runs have it." in found.remarks


def test_a_score_that_cannot_be_compared_is_left_out_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = comparison._metric

    def fails(name: str, *others: Any) -> Any:
        if name == "xgb_c2st":
            raise ZeroDivisionError("no rows")
        return whole(name, *others)

    monkeypatch.setattr(comparison, "_metric", fails)
    found = compare(three(), "experiment")
    assert [metric.name for metric in found.metrics] == ["shape_error"]
    assert any(remark.startswith("xgb_c2st is left out: ZeroDivisionError") for remark in found.remarks)
    with pytest.raises(UserError, match="none of them can be compared; xgb_c2st is left out"):
        compare(three(), "experiment", ["xgb_c2st"])


def test_a_tie_is_not_in_bold() -> None:
    found = compare([run("a", level=0.5), run("bb", level=0.5)], "experiment")
    assert found.metrics[0].best == {}
    assert "**" not in markdown(found)
    assert "textbf" not in latex(found)


def test_values_are_means_over_draws_and_errors_over_seeds() -> None:
    runs = three(draws=3)
    cell = compare(runs, "experiment", ["xgb_c2st"]).metrics[0].cells["wgan_gp", "adult"]
    drawn: dict[int, list[float]] = {}
    for one in runs[4].evaluated:
        drawn.setdefault(one.seed, []).append(one.scores["xgb_c2st"])
    means = [np.mean(values) for values in drawn.values()]
    assert cell.mean == pytest.approx(np.mean(means))
    assert cell.error == pytest.approx(np.std(means, ddof=1) / np.sqrt(5))
    assert cell.variance is not None
    assert cell.variance.p_value < 0.01


def test_a_diverged_run_counts_and_is_shown() -> None:
    runs = [run("a", level=0.5, seeds=3), run("a", seed=3, seeds=2, status="diverged"), run("bb", level=0.5)]
    found = compare(runs, "experiment", ["xgb_c2st"])
    cell = found.metrics[0].cells["a", "adult"]
    assert (sorted(cell.values), cell.diverged, cell.missing) == ([0, 1, 2], [3, 4], [])
    assert any(remark.startswith("DIVERGED: a on adult, 2 of 5 seeds (3, 4)") for remark in found.remarks)
    assert found.metrics[0].ranks is not None
    assert found.metrics[0].ranks.blocks == 5
    for text in (terminal(found), markdown(found), latex(found)):
        assert "2 diverged" in text
    rows = list(csv.DictReader(io.StringIO(observations_csv(found))))
    assert [row["seed"] for row in rows if row["status"] == "diverged"] == ["3", "4"]


@pytest.mark.parametrize(("name", "chance"), [("xgb_c2st", 6 / 25), ("shape_error", 9 / 25)])
def test_seeds_that_diverged_lose_every_pair(name: str, chance: float) -> None:
    """Three finished seeds win 1, 2 and 3 of five pairs, or 4, 3 and 2 where less is better; two diverged ones none."""
    done, diverged, other = run("a", seeds=3), run("a", seed=3, seeds=2, status="diverged"), run("bb")
    for one, values in ((done, [1.5, 2.5, 3.5]), (other, [1, 2, 3, 4, 5])):
        one.evaluated = [Observation(seed, 0, {name: value}) for seed, value in enumerate(values)]
    (pair,) = compare([done, diverged, other], "experiment", [name]).metrics[0].pairs
    assert (pair.left, pair.right, pair.pairs) == ("a", "bb", 5)
    assert pair.chance == pytest.approx(chance)
    (turned,) = compare([other, done, diverged], "experiment", [name]).metrics[0].pairs
    assert (turned.left, turned.right, turned.chance) == ("bb", "a", pytest.approx(1 - chance))


def test_missing_seeds_are_counted_and_shown() -> None:
    found = compare([run("a", seeds=2), run("bb")], "experiment", ["xgb_c2st"])
    assert any(remark.startswith("MISSING: a on adult, 3 of 5 seeds (2, 3, 4)") for remark in found.remarks)
    assert "3 missing" in terminal(found)
    assert found.metrics[0].pairs[0].pairs == 2


def test_unequal_budgets_are_said() -> None:
    runs = [run("a", steps=100), run("bb", steps=200)]
    for text in (terminal(compare(runs, "experiment")), markdown(compare(runs, "experiment"))):
        assert "UNEQUAL BUDGETS: a 100 steps, bb 200 steps" in text
    assert not any("BUDGET" in remark for remark in compare(runs, "experiment", budget="none").remarks)
    runs = [run("a", seconds=10.0), run("bb", seconds=10.5)]
    assert not any("BUDGET" in remark for remark in compare(runs, "experiment", budget="seconds").remarks)
    runs = [run("a", seconds=10.0), run("bb", seconds=20.0)]
    assert any("a 10 s, bb 20 s" in remark for remark in compare(runs, "experiment", budget="seconds").remarks)


def test_variants_by_a_key() -> None:
    runs = [run("a"), run("a")]
    runs[1].config["optimizer"]["learning_rate"] = 1e-4  # pyright: ignore
    assert compare(runs, "optimizer.learning_rate").variants == ["0.001", "0.0001"]
    runs[1].config["components"]["objective"] = "hinge"  # pyright: ignore
    assert compare(runs, "objective").variants == ["minimax", "hinge"]


def other_rows() -> list[RunRecord]:
    return [run("a"), run("bb", rows={"training": 450})]


@pytest.mark.parametrize(
    ("runs", "arguments", "said"),
    [
        (lambda: [run("a")], {}, ("1 run only", "runs/a-adult-0")),
        (lambda: [run("a"), run("a", seed=5)], {}, ("by=experiment", "all runs have experiment=a")),
        (lambda: [run("a"), run("bb", "churn")], {}, ("different data sets", "a: adult", "bb: churn")),
        (other_rows, {}, ("different rows of adult", "900", "450")),
        (lambda: [run("a"), run("a"), run("bb")], {}, ("both seed 0 of a on adult",)),
        (lambda: [run("a"), run("bb")], {"metrics": ["xgb_c2s"]}, ("metrics=xgb_c2s", "Did you mean 'xgb_c2st'?")),
        (
            lambda: [run("a"), run("bb")],
            {"by": "optimizer.lerning_rate"},
            ("by=optimizer.lerning_rate", "Did you mean"),
        ),
        (lambda: [run("a", status="diverged"), run("bb", status="diverged")], {}, ("none of them has scores",)),
    ],
)
def test_what_cannot_be_compared(runs: Callable, arguments: dict, said: tuple[str, ...]) -> None:
    with pytest.raises(UserError) as error:
        compare(runs(), **{"by": "experiment"} | arguments)
    assert all(word in str(error.value) for word in said), str(error.value)


def test_a_data_set_that_some_lack_is_left_out_and_said() -> None:
    found = compare([run("a"), run("bb"), run("a", "churn")], "experiment")
    assert found.data == ["adult"]
    assert any("churn is left out" in remark for remark in found.remarks)


def test_bold_by_an_ideal_is_by_the_distance_of_each_seed() -> None:
    """One that is always near the ideal is not beaten by one that lies as far on both sides of it, and no interval that
    holds the ideal hides another that does."""
    runs = []
    for name, values in (("near", [0.5, 0.501, 0.499, 0.5]), ("wide", [0.4, 0.6, 0.4, 0.6])):
        one = run(name, seeds=4)
        one.evaluated = [
            Observation(seed, 0, {"dcr": 0.0, "membership_nearest_auc": v}) for seed, v in enumerate(values)
        ]
        runs.append(one)
    metric = compare(runs, "experiment", ["membership_nearest_auc"]).metrics[0]
    assert metric.cells["wide", "adult"].mean == pytest.approx(0.5)
    assert metric.cells["wide", "adult"].good[0] == pytest.approx(-0.1)
    assert metric.best == {"adult": "near"}
    assert metric.pairs[0].chance == 1


def test_held_out_scores_are_taken_where_one_run_was_not_evaluated() -> None:
    runs = [run("a"), run("bb")]
    runs[1].evaluated = []
    found = compare(runs, "experiment")
    assert [metric.name for metric in found.metrics] == ["score"]
    assert any("Not evaluated: runs/bb-adult-0" in remark for remark in found.remarks)


def test_a_file_that_is_not_of_the_run_is_no_seed_of_it() -> None:
    one = run("a")
    config, evaluation = (
        one.config,
        {"level": "fast", "rows": {}, "observed": [{"seed": None, "draw": 0, "scores": {}}]},
    )
    assert make_record("a", config, {}, [], evaluation).evaluated == []


def test_a_seed_that_was_chosen_is_said() -> None:
    runs = [run("a"), run("bb")]
    runs[0].evaluated = runs[0].evaluated[:1]
    found = compare(runs, "experiment", ["xgb_c2st"])
    assert any(remark.startswith("NOT ALL SEEDS: runs/a-adult-0") for remark in found.remarks)


def test_an_unfinished_run_is_said() -> None:
    found = compare([run("a", status="interrupted", steps=20), run("bb")], "experiment", budget="steps")
    assert any("UNFINISHED: runs/a-adult-0 is interrupted at step 20" in remark for remark in found.remarks)
    assert any("UNEQUAL BUDGETS" in remark for remark in found.remarks)


# ---- files


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Comparison, Path]:
    """A comparison of six runs that lie on the disk."""
    folder = tmp_path_factory.mktemp("comparison")
    for one in three(draws=2):
        path = folder / "runs" / Path(one.source).name
        path.mkdir(parents=True)
        (path / "config.yaml").write_text(yaml.safe_dump(dict(one.config)))
        summary = {"status": "completed", "steps": 100, "seconds": 9.0, "rows": {"training": 900}}
        (path / "summary.json").write_text(json.dumps(summary))
        (path / "report.html").write_text("a report")
        lines = [
            {"step": row["step"], "seconds": row["seconds"]}
            | {f"seed{seed}/holdout/score": curve[place]["score"] for seed, curve in one.curves.items()}
            for place, row in enumerate(one.curves[0])
        ]
        (path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        observed = [{"seed": o.seed, "draw": o.draw, "scores": dict(o.scores)} for o in one.evaluated]
        (path / "evaluation.json").write_text(
            json.dumps({"level": "standard", "rows": {"real": 900, "test": 100}, "observed": observed})
        )
    found = compare(read_runs(str(folder / "runs")), "experiment")
    write(found, folder / "out")
    return found, folder / "out"


def test_runs_on_the_disk_are_read_as_they_are(written: tuple[Comparison, Path]) -> None:
    direct = compare(three(draws=2), "experiment")
    for metric, expected in zip(written[0].metrics, direct.metrics, strict=True):
        assert metric.name == expected.name
        for key, cell in metric.cells.items():
            assert cell.values == pytest.approx(expected.cells[key].values)


def test_what_is_written(written: tuple[Comparison, Path]) -> None:
    names = {path.name for path in written[1].iterdir()}
    figures = {f"{name}.{kind}" for name in comparison_figures(written[0]) for kind in ("pdf", "png")}
    assert names == FILES | figures
    assert {"intervals.pdf", "ranks.pdf", "improvement.pdf", "quality_against_time.pdf"} <= figures
    for name in figures:
        content = (written[1] / name).read_bytes()
        assert content.startswith(b"%PDF" if name.endswith("pdf") else b"\x89PNG")


def test_the_page_links_every_cell_to_its_runs_and_these_to_their_files(written: tuple[Comparison, Path]) -> None:
    text = (written[1] / "comparison.html").read_text()
    anchors, targets = set(re.findall(r'href="#(runs\d+)"', text)), set(re.findall(r'id="(runs\d+)"', text))
    assert anchors == targets
    assert len(targets) == 6
    links = re.findall(r'href="([^"#:]+)"', text)
    assert all((written[1] / link).exists() for link in links)
    for file in ("report.html", "config.yaml", "evaluation.json"):
        assert sum(link.endswith(file) for link in links) == 6
    assert "<script" not in text
    assert not re.findall(r'(?:src|href)="https?:', text)


def test_the_csv_holds_every_value(written: tuple[Comparison, Path]) -> None:
    rows = list(csv.DictReader(io.StringIO((written[1] / "comparison.csv").read_text())))
    assert len(rows) == 6 * 5 * 2 * len(written[0].metrics)
    direct = {(one.source.rsplit("/", 1)[1], o.seed, o.draw): o for one in three(draws=2) for o in one.evaluated}
    for row in rows:
        expected = direct[Path(row["run"]).name, int(row["seed"]), int(row["draw"])].scores[row["metric"]]
        assert float(row["value"]) == expected


def test_latex_is_balanced_and_escaped(written: tuple[Comparison, Path]) -> None:
    text = (written[1] / "comparison.tex").read_text()
    assert "cgan\\_x" in text
    assert text.count("{") == text.count("}")
    body = text.split("\\toprule")[1].split("\\bottomrule")[0]
    lines = [line for line in body.splitlines() if line.endswith("\\\\") and "multicolumn" not in line]
    assert {line.replace("\\&", "").count("&") for line in lines} == {3}
    assert text.count("\\textbf{") == 2 * len(written[0].metrics)
    assert escaped(r"a_b % {c} \d") == r"a\_b \% \{c\} \textbackslash{}d"


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no LaTeX")
def test_latex_compiles(written: tuple[Comparison, Path], tmp_path: Path) -> None:
    page = "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\\input{%s}\\end{document}"
    (tmp_path / "page.tex").write_text(page % (written[1] / "comparison.tex"))
    done = subprocess.run(["pdflatex", "-halt-on-error", "page.tex"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.parametrize("pattern", ["no/such", "."])
def test_nothing_to_read(pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"runs=.*no run directory there"):
        read_runs(pattern)


def test_a_damaged_run_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("components: {data: table}\nname: a\n")
    (tmp_path / "evaluation.json").write_text('{"observed": [{"seed": 0}]}')
    with pytest.raises(UserError, match="its files are not those of a run"):
        read_runs(str(tmp_path))
    (tmp_path / "evaluation.json").unlink()
    (tmp_path / "config.yaml").write_text("name: a\n")
    with pytest.raises(UserError, match=r"config\.yaml is not that of a run"):
        read_runs(str(tmp_path))
    (tmp_path / "summary.json").write_text("{")
    with pytest.raises(UserError, match="cannot be read"):
        read_runs(str(tmp_path))


def test_scores_of_training_are_taken_where_nothing_was_evaluated(finished: Any) -> None:
    (one,) = read_runs(str(finished.path))
    (best,) = json.loads((finished.path / "summary.json").read_text())["scores"]["best"]
    assert one.held_out[0].scores["score"] == best["value"]
    assert one.status == "completed"
    assert [row["step"] for row in one.curves[0]] == [10, 20]


# ---- Weights & Biases, from a recorded run


class RecordedRun:
    """What the service would answer of a run that was recorded offline."""

    def __init__(self, folder: Path, found: list[Any]) -> None:
        self.url = f"https://wandb.test/{folder.name}"
        self.config, self.summary, self.rows = {}, {}, []
        for record in found:
            for update in record.run.config.update if record.WhichOneof("record_type") == "run" else []:
                self.config[update.key] = json.loads(update.value_json)
            for update in itertools.chain(record.summary.update, record.run.summary.update):
                self.summary[update.key] = json.loads(update.value_json)
            if record.WhichOneof("record_type") == "history":
                row = {"/".join(i.nested_key) or i.key: json.loads(i.value_json) for i in record.history.item}
                self.rows.append(row | {"_step": record.history.step.num})

    def scan_history(self) -> list[dict[str, Any]]:
        return self.rows


@pytest.mark.slow
def test_a_project_is_read_as_its_run_directories_are(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    command: Callable[..., Any],
    inputs: Path,
    tiny: tuple[str, ...],
    recorded: Callable[[Path], list[Any]],
) -> None:
    import wandb

    for name, seeds in (("vanilla", 2), ("wgan_gp", 2)):
        done = command(
            "train", f"+experiment={name}", "+debug=limit", "data=table", f"data.path={inputs}/table.parquet",
            "tracker.mode=offline", f"tracker.folder={tmp_path}", f"run_dir=runs/{name}", f"trainer.seeds={seeds}",
            "trainer.metrics=[fidelity,distances]", "trainer.batch_size=50", "trainer.critic_steps=1",
            *(tiny if name == "vanilla" else ()),
        )  # fmt: skip
        assert done.status == 0, done.err
    files = sorted((tmp_path / "wandb").glob("offline-run-*/*.wandb"))
    answers = [RecordedRun(file.parent, recorded(file)) for file in files]
    assert len(answers) == 2

    class Api:
        def runs(self, path: str) -> list[Any]:
            assert path == "lab/gans"
            return answers

    monkeypatch.setattr(wandb, "Api", Api)
    there = {one.config["name"]: one for one in read_runs("wandb:lab/gans")}
    here = {one.config["name"]: one for one in read_runs("runs")}
    for name, one in here.items():
        assert there[name].source.startswith("https://")
        assert (there[name].status, there[name].steps, there[name].rows) == (one.status, one.steps, one.rows)
        assert [dict(o.scores) for o in there[name].held_out] == [pytest.approx(o.scores) for o in one.held_out]
        assert there[name].curves == {seed: [pytest.approx(row) for row in rows] for seed, rows in one.curves.items()}
    found = compare(list(there.values()), "experiment")
    write(found, tmp_path / "out")
    assert "https://wandb.test/offline-run" in (tmp_path / "out" / "comparison.html").read_text()


def test_a_project_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    import wandb

    class Api:
        def runs(self, path: str) -> list[Any]:
            raise ValueError("Could not find project lab/gans\nmore")

    monkeypatch.setattr(wandb, "Api", Api)
    with pytest.raises(UserError, match=r"runs=wandb:lab/gans: the project cannot be read \(Could not find project"):
        wandb_runs.read_project("lab/gans")


def test_as_a_function_it_gives_a_frame_and_writes_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import gans

    monkeypatch.setattr("gans.notebook.comparisons.read_runs", lambda named: three() if named == "a,b" else [])
    found = gans.compare(["a", "b"], metrics=["xgb_c2st"], out=tmp_path / "out")
    cell = compare(three(), "experiment", ["xgb_c2st"]).metrics[0].cells["wgan_gp", "churn"]
    row = found.table.loc[("xgb_c2st", "wgan_gp", "churn")]
    assert (row["mean"], row["low"], row["high"], row["seeds"]) == (cell.mean, cell.low, cell.high, 5)
    assert found.table.index[found.table["best"]].get_level_values("variant").unique().tolist() == ["wgan_gp"]
    assert {path.name for path in (tmp_path / "out").iterdir()} >= FILES
    with pytest.raises(UserError, match="budget=hours: allowed are steps, seconds, none"):
        gans.compare("a", budget="hours")
    with pytest.raises(UserError, match="0 run only"):
        gans.compare("a", out=tmp_path / "none")
