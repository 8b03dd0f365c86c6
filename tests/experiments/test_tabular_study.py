"""The tabular study's pure parts: what is run and skipped, the split, the steps of a budget, the table."""

import csv
import importlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.errors import UserError

FOLDER = Path(__file__).parents[2] / "experiments" / "tabular"


@pytest.fixture
def module(monkeypatch):
    """A function that imports a script of the study; its folder is on the path for this test only."""
    monkeypatch.syspath_prepend(str(FOLDER))
    known = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - known:
        if Path(getattr(sys.modules[name], "__file__", None) or "/").parent == FOLDER:
            del sys.modules[name]


def result(data="adult", variant="tabular", seed=0, **more):
    figures = {
        "shape_error": "0.5",
        "trend_error": "1.4",
        "xgb_c2st": "0.95",
        "alpha_precision": "0.99",
        "beta_recall": "0.5",
        "dcr_share": "0.52",
        "tstr": "0.9",
        "trtr": "0.91",
        "exact_copies": "0.002",
        "exact_copies_test": "0.001",
        "xgb_c2st_test": "0.85",
        "gap_rows": "16281",
        "gap_auc": "0.55",
        "gap_marginal": "0.52",
        "gap_dependency": "0.03",
        "gap_score": "0.90",
        "gap_overfit": "0.01",
        "gap_oracle": "0.503",
        "gap_independent": "0.992",
        "attack_auc": "0.51",
        "isolated_auc": "0.6",
        "isolated_low": "0.4",
        "verdict": "Yes",
        "cores": "2",
    }
    row = {"data": data, "variant": variant, "seed": str(seed), "minutes": "10", "overrides": "", "status": "completed"}
    return row | {"steps": "1000", "seconds": "550.0", "seconds_command": ""} | figures | more


def test_the_flagship_and_adult_have_three_seeds(module):
    jobs = module("jobs")
    planned = jobs.plan(["adult", "churn"], ["vanilla", "tabular", "reference"], None, [10], "network.latent=8")
    seeds = {(job.data, job.variant): [] for job in planned}
    for job in planned:
        seeds[job.data, job.variant].append(job.seed)
    assert {key: len(found) for key, found in seeds.items()} == {
        ("adult", "vanilla"): 3,
        ("adult", "tabular"): 3,
        ("adult", "reference"): 3,
        ("churn", "vanilla"): 1,
        ("churn", "tabular"): 3,
        ("churn", "reference"): 1,
    }
    assert {job.overrides for job in planned if job.variant == "reference"} == {""}
    assert len({job.folder for job in planned}) == len(planned)


def test_what_has_a_row_is_skipped_and_nothing_else(module, tmp_path):
    jobs, path = module("jobs"), tmp_path / "results.csv"
    planned = jobs.plan(["adult"], ["tabular"], [0, 1], [10], "")
    assert jobs.pending(planned, jobs.read_rows(path)) == planned
    jobs.append(path, result(seed=1))
    assert [job.seed for job in jobs.pending(planned, jobs.read_rows(path))] == [0]
    for other in ({"minutes": "5"}, {"overrides": "network.latent=8"}, {"data": "churn"}, {"variant": "cgan"}):
        jobs.append(path, result(**other))
    assert [job.seed for job in jobs.pending(planned, jobs.read_rows(path))] == [0]
    jobs.append(path, result())
    assert jobs.pending(planned, jobs.read_rows(path)) == []
    assert len(jobs.read_rows(path)) == 6
    assert [file.name for file in tmp_path.iterdir()] == ["results.csv"]


def test_the_split_is_the_same_every_time_and_leaves_no_row_out(module):
    jobs = module("jobs")
    train, test = jobs.split(1003)
    assert (len(train), len(test)) == (903, 100)
    assert np.array_equal(np.sort(np.concatenate([train, test])), np.arange(1003))
    assert np.array_equal(test, np.random.default_rng(1234).permutation(1003)[:100])
    again = jobs.split(1003)
    assert np.array_equal(train, again[0])
    assert np.array_equal(test, again[1])


def test_the_files_of_a_table_are_its_split_and_those_of_adult_as_published(module, tmp_path):
    study, root = module("study"), tmp_path / "root"
    root.mkdir()
    for name, start, rows in (("churn", 0, 40), ("adult", 100, 8), ("adult_test", 200, 5)):
        pq.write_table(pa.table({"number": np.arange(start, start + rows)}), root / f"{name}.parquet")
    made = study.Study(root, tmp_path / "judge.py", tmp_path / "gap.py", tmp_path / "runs", None)
    assert (made.prepare("churn"), made.prepare("adult")) == (36, 8)
    churn, adult = (
        [pq.read_table(file)["number"].to_pylist() for file in made.files(data)] for data in ("churn", "adult")
    )
    assert sorted(churn[0] + churn[1]) == list(range(40))
    assert len(churn[1]) == 4
    assert adult == [list(range(100, 108)), list(range(200, 205))]
    assert made.files("churn")[0].name == "churn.parquet"


def test_the_steps_fill_the_budget(module):
    jobs = module("jobs")
    # blocks of 100 steps of .2 s; the first compiles for 10 s, an evaluation takes 3 s, the first one 5 s more
    lines = [{"seconds": value} for value in (30.0, 58.0, 78.0, 101.0)]
    speed = jobs.read_speed(lines, 110.0)
    assert speed == pytest.approx({"step": 0.2, "evaluation": 3.0, "rest": 110 - 80 - 3})
    steps = jobs.steps_within(10, speed, 500)
    taken = steps * 0.2 + steps / 500 * 3 + speed["rest"]
    assert steps % 50 == 0
    assert 0.95 * 600 - 50 * 0.206 < taken <= 0.95 * 600
    assert jobs.steps_within(1, speed | {"rest": 100.0}, 500) == 50


def test_mistakes_are_named(module, tmp_path):
    study = module("study")
    for name in ("judge", "gap"):
        (tmp_path / f"{name}.py").touch()
    fixed = [f"data.root={tmp_path}", *(f"{name}={tmp_path / name}.py" for name in ("judge", "gap"))]
    for arguments, said in (
        (fixed[:1], "judge is not set"),
        (fixed[:2], "gap is not set"),
        ([*fixed[:2], "gap=nowhere.py"], "gap=nowhere.py: it is not there"),
        ([*fixed, "data=adlt"], "Did you mean 'adult'"),
        ([*fixed, "only=reference"], "ctgan_python is not set"),
        ([*fixed, "seed=3"], "the study sets this key itself"),
        ([*fixed, "seeds=0,-1"], "seeds=-1"),
        ([*fixed, "minutes=0"], "minutes=0"),
        ([*fixed, "judge=x"], "judge is given twice"),
    ):
        with pytest.raises(UserError, match=said):
            study.read_arguments(*study.main.read(arguments))


def test_an_override_is_of_gans_train_and_is_checked_at_once(module, tmp_path, monkeypatch):
    study = module("study")
    monkeypatch.setattr(study.importlib.util, "find_spec", lambda name: name)  # xgboost is the judge's, not ours
    for name in ("judge", "gap"):
        (tmp_path / f"{name}.py").touch()
    judges = [f"{name}={tmp_path / name}.py" for name in ("judge", "gap")]
    fixed = [f"data.root={tmp_path}", *judges, "only=vanilla", "data=churn"]
    _, planned, path, minutes = study.read_arguments(
        *study.main.read([*fixed, "network.latent=8", f"results={tmp_path}", "minutes=3"])
    )
    assert [(job.data, job.variant, job.seed, job.minutes, job.overrides) for job in planned] == [
        ("churn", "vanilla", 0, 3, "network.latent=8")
    ]
    assert (path, minutes) == (tmp_path / "results.csv", 3)
    _, planned, path, _ = study.read_arguments(*study.main.read([*fixed, "curve=1,40"]))
    assert ([job.minutes for job in planned], path.name) == ([1, 40], "curve.csv")
    with pytest.raises(UserError, match=r"network\.latnt"):
        study.read_arguments(*study.main.read([*fixed, "network.latnt=8"]))


def test_mean_and_deviation_over_seeds(module):
    table = module("table")
    assert table.spread([0.9, 0.92, 0.97], 3) == "0.930 +- 0.036"
    assert table.spread([0.9], 3) == "0.900"
    assert table.spread([], 3) == ""


def test_met_and_short_follow_from_the_mean(module):
    table = module("table")
    rows = [result(seed=seed, xgb_c2st=value) for seed, value in enumerate(("0.90", "0.93", "0.93"))]
    rows += [result(variant="vanilla", xgb_c2st="0.1"), result(overrides="network.latent=8", xgb_c2st="0.1")]
    rows += [result(minutes="40", xgb_c2st="0.1"), result(data="churn", exact_copies="0.0021")]
    rows[0] |= {"gap_score": "0.96", "gap_overfit": "0.05"}
    found = {(data, name): verdict for data, name, _, _, verdict in table.verdicts(rows, 10)}
    assert found["adult", "score, test rows"] == "short"  # .92 of .93
    assert found["adult", "overfit"] == "short"
    assert found["churn", "overfit"] == "met (n = 1)"
    assert found["adult", "XGB-C2ST"] == "met"
    assert found["adult", "TSTR / TRTR"] == "met"
    assert found["adult", "exact copies"] == "met"
    assert found["churn", "exact copies"] == "short (n = 1)"
    assert found["churn", "XGB-C2ST"] == "met (n = 1)"
    assert found["shoppers", "XGB-C2ST"] == "not run"
    rows[1]["xgb_c2st"], rows[0]["tstr"] = "0.92", "0.8"
    found = {(data, name): verdict for data, name, _, _, verdict in table.verdicts(rows, 10)}
    assert found["adult", "XGB-C2ST"] == "short"
    assert found["adult", "TSTR / TRTR"] == "short"


def test_our_figures_and_published_ones_stand_apart(module):
    table = module("table")
    jobs = module("jobs")
    rows = [result(), result(seed=1, status="diverged", **dict.fromkeys((*jobs.FIGURES, *jobs.GAP_COLUMNS), ""))]
    text = table.document(rows, [], table.with_scores(jobs.read_rows(FOLDER / "published.csv")), 10)
    unseen, training = text.split("## Against training rows")
    ours, theirs = unseen.split("### adult")[1].split("### credit_default")[0].split("Published by others")
    line = "| **tabular** | 10 min | 1 | 0.900 | 0.550 | 0.520 | 0.030 | 0.010 | 0.503 | 0.992 | 16281 |"
    assert line in ours
    assert "TabDiff" not in ours
    assert "| TabDiff | 0.818 [4] | 0.591 [4] | 0.537 [4] | 0.054 [4] |" in theirs
    assert "tabular" not in theirs
    assert "XGB-C2ST" not in ours + theirs
    adult = training.split("### adult")[1].split("### credit_default")[0]
    ours, theirs = adult.split("Published by others")
    assert "TabbyFlow" not in adult
    assert "| **tabular** | 10 min | 2, 1 diverged | 0.50 | 1.40 | 0.950 |" in ours
    assert "TabDiff" not in ours
    assert "| TabDiff | 0.63 [1] | 1.49 [1] | 0.841 [2] |" in theirs
    assert "tabular" not in theirs


def test_rows_of_before_the_second_judge_are_still_drawn(module, tmp_path):
    table, jobs = module("table"), module("jobs")
    old = {name: value for name, value in result().items() if name not in jobs.GAP_COLUMNS}
    text = ",".join(old) + "\n" + ",".join(old.values()) + "\n"
    (tmp_path / "results.csv").write_text(text)
    table.render(tmp_path, 10)
    unseen, training = (tmp_path / "TABLE.md").read_text().split("## Against training rows")
    assert "No run yet." in unseen.split("### adult")[1].split("### credit_default")[0]
    assert "| adult | score, test rows |  | at least 0.93 | not run |" in unseen
    assert "| **tabular** | 10 min | 1 | 0.50 |" in training
    assert {file.name for file in tmp_path.glob("*.png")} == {"figure.png", "training_rows.png"}
    jobs.append(tmp_path / "results.csv", result(seed=1))
    assert [row["gap_score"] for row in jobs.read_rows(tmp_path / "results.csv")] == ["", "0.90"]


def test_a_run_is_judged_by_both_programs(module, tmp_path):
    """Stand-ins for the judges print their arguments; the run is there already."""
    study, jobs = module("study"), module("jobs")
    job = jobs.Job("churn", "vanilla", 0, 10)
    folder = tmp_path / "runs" / job.folder
    folder.mkdir(parents=True)
    (folder / "samples.parquet").touch()
    (folder / "summary.json").write_text(
        '{"status": "completed", "steps": 5, "seconds": 1, "compile_seconds": 1, "commit": "abc"}'
    )
    pq.write_table(pa.table({"number": np.arange(40)}), tmp_path / "churn.parquet")
    (tmp_path / "judge.py").write_text(
        "import json, sys; n = len(sys.argv); print('chatter')\n"
        "print(json.dumps({'rows': [1, n], 'xgb_c2st': n / 100}))"
    )
    (tmp_path / "gap.py").write_text(
        "import json, sys; assert sys.argv[4:] == ['--name', 'churn', '--anchors'], sys.argv\n"
        "names = [path.rpartition('/')[2] for path in sys.argv[1:4]]\n"
        "assert names == ['churn.parquet', 'samples.parquet', 'churn_test.parquet'], names\n"
        f"print(json.dumps(dict(zip({jobs.GAP}, range({len(jobs.GAP)})))))"
    )
    made = study.Study(tmp_path, tmp_path / "judge.py", tmp_path / "gap.py", tmp_path / "runs", None)
    row = made.row(job)
    assert [row[name] for name in jobs.GAP_COLUMNS] == list(range(len(jobs.GAP)))
    assert (row["xgb_c2st"], row["xgb_c2st_test"]) == (0.07, 0.05)
    assert set(row) == set(jobs.COLUMNS)


def test_unrefined_rows_are_those_of_the_run_that_was_refined(module, tmp_path, monkeypatch):
    study, jobs = module("study"), module("jobs")
    made = study.Study(tmp_path, tmp_path, tmp_path, tmp_path / "runs", None)
    plain, unrefined = (jobs.Job("churn", "tabular", 2, 10, overrides) for overrides in ("", "refine=none"))
    asked = []
    monkeypatch.setattr(study, "call", lambda command: asked.append(command[2:]))
    made.folder(plain).mkdir(parents=True)
    (made.folder(plain) / "summary.json").write_text('{"status": "completed"}')
    for _ in range(2):  # once
        assert made.train_or_resume(unrefined, made.folder(unrefined), 40) is None
    out = made.folder(unrefined)
    assert asked == [
        ["gans.sample", f"run={made.folder(plain)}", "n=40", "seed=2", "refine=false", f"out={out / 'samples.parquet'}"]
    ]
    assert (out / "summary.json").read_text() == '{"status": "completed"}'


def panel(auc):
    one = {"auc": [auc, auc - 0.01, auc + 0.01], "tpr": [0.01, 0.0, 0.02], "tpr10": [0.1, 0.0, 0.2]}
    return {"nearest": {"all": one | {"auc_corrected": [auc - 0.02, auc + 0.02], "tpr_corrected": [0.0, 0.03]}}}


def test_attacks_on_the_flagship_are_kept_and_tabled(module, tmp_path):
    study, jobs, table = module("study"), module("jobs"), module("table")
    job = jobs.Job("churn", "tabular", 0, 10)
    folder = tmp_path / job.folder
    folder.mkdir()
    scores = {
        "membership_worst_auc": {"value": 0.53, "low": 0.51},
        "membership_isolated_auc": {"value": 0.6, "low": 0.4},
    }
    details = {"membership": {"synthetic": panel(0.53), "5 % copies": panel(0.501)}}
    (folder / "evaluation.json").write_text(json.dumps({"scores": scores, "details": details}))
    (folder / "use_privacy.json").write_text('{"answer": [{"text": "No: the worst of 8 attacks"}]}')
    made = study.Study(tmp_path, tmp_path, tmp_path, tmp_path, None)
    assert made.attack(job) == {"attack_auc": 0.53, "isolated_auc": 0.6, "isolated_low": 0.4, "verdict": "No"}
    for _ in range(2):  # the second time in the place of the first
        jobs.put_attacks(tmp_path / "attacks.csv", job, made.attacks(job))
    rows = jobs.read_rows(tmp_path / "attacks.csv")
    assert [(row["attacked"], row["auc"], row["succeeds"]) for row in rows] == [
        ("synthetic", "0.53", "1"),
        ("5 % copies", "0.501", "0"),
    ]
    assert "| nearest row | 0.530 (1 of 1) | 0.501 (0 of 1) |" in table.attacks_table(rows, "churn", "")
    assert table.attacks_table(rows, "adult", "") == "No run yet.\n"


@pytest.mark.parametrize(("said", "met"), [("Yes", "met"), ("No", "short")])
def test_a_no_falls_short(module, said, met):
    found = module("table").verdicts([result(verdict=said)], 10)
    assert ("adult", "verdict of scenario=privacy", f"1 x {said}", "never No", met) in found


def test_every_published_figure_has_a_source_and_a_range():
    with (FOLDER / "published.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["data"] for row in rows} == {"adult", "credit_default", "shoppers", "churn"}
    assert all(row["source"] for row in rows)
    for row in rows:
        least = -1 if row["metric"] == "gap_dependency" else 0
        assert least <= float(row["value"]) <= (100 if row["metric"].endswith("_error") else 1), row
    assert len({(row["data"], row["method"], row["metric"]) for row in rows}) == len(rows)


def test_the_reference_gets_categories_as_codes_and_gives_levels_back(module):
    pandas = pytest.importorskip("pandas")
    reference = module("reference")
    frame = pandas.DataFrame(
        {"word": ["b", None, "a", "b"], "flag": [True, False, True, True], "code": [-1, 2, 2, 0], "size": [1, 2, 3, 4]}
    )
    coded, levels = reference.coded(frame, ["word", "flag", "code"])
    assert coded["word"].tolist() == ["0", "1", "2", "0"]
    assert not coded.isna().any().any()
    pandas.testing.assert_frame_equal(reference.decoded(coded, levels), frame)


def test_the_epochs_of_the_reference_survive_a_slow_first_fit_and_noise(module):
    reference, called = module("reference"), []

    def timed(epochs):
        called.append(epochs)
        slow = 30 if len(called) == 1 else 0
        return 16 + slow + 0.5 * epochs - (2 if epochs == 1 else 0)

    assert reference.epochs_within(616, timed) == 1200
    assert called == [0, 0, 1, 2, 4, 8, 16, 32, 64]
