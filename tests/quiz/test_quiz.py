"""The command from a run to a report, with simulated raters, and what it refuses."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Make = Callable[..., Path]


def group(folder: Path, number: int = 0) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text(encoding="utf-8"))["groups"][number]


def test_raters_who_see_a_tell_tale_column_tell_the_rows_apart(make: Make, returned: Any, command: Any) -> None:
    folder = make()
    for number in range(4):
        returned(folder, f"anna{number}", "tell_tale", "always 99 & <never> less")
    returned(folder, "bo", "always_real")
    said = command("quiz", f"report={folder}")
    assert said.status == 0, said.err
    found = group(folder)
    assert found["score"]["raters"] == 4
    assert found["score"]["error_on_synthetic"]["value"] == 0
    assert 0.3 < found["score"]["error_on_real"]["value"] < 0.7
    assert found["score"]["error"]["high"] < 0.4
    assert found["score"]["d_prime"]["low"] > 1
    assert found["verdict"].startswith("People tell synthetic from real")
    apart = {one["rater"]: one["apart"] for one in found["raters"] if one["apart"]}
    assert apart == {"bo": "10 of 20 right in the qualification, missed 5 of 5 hidden controls"}
    assert found["score_with_raters_apart"]["raters"] == 5
    assert found["words"] == {"visits": ["always 99 & <never> less"] * 4}
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert html.index("People tell synthetic from real") < html.index("Error rates") < html.index("anna3")
    assert "always 99 &amp; &lt;never&gt; less" in html
    assert "<never>" not in html
    assert "weak evidence" in html
    assert "<script" not in html
    assert "1 of 5 raters is reported apart: bo" in said.out


def test_raters_who_say_real_always_show_nothing(make: Make, returned: Any, command: Any) -> None:
    folder = make()
    for number in range(5):
        returned(folder, f"bo{number}", "always_real")
    assert command("quiz", f"report={folder}").status == 0
    found = group(folder)
    assert found["score"] is None
    assert found["verdict"].startswith("Nothing can be said")
    assert found["score_with_raters_apart"]["error"]["value"] == 0.5
    assert found["score_with_raters_apart"]["said_real"] == 1


@pytest.mark.parametrize("form", ["cards", "pairs"])
def test_real_against_real_comes_out_at_half(form: str, make: Make, returned: Any, command: Any) -> None:
    folder = make(arm="real", form=form)
    for number in range(6):
        returned(folder, f"anna{number}", "tell_tale")
        returned(folder, f"guess{number}", "guess")
    returned(folder, "bo", "always_real")
    said = command("quiz", f"report={folder}")
    assert said.status == 0, said.err
    error = group(folder)["score"]["error"]
    assert error["low"] < 0.5 < error["high"]
    assert group(folder)["verdict"].startswith("The control holds")
    assert group(folder)["score"]["raters"] > 6


def test_folders_are_pooled_by_arm_and_form(make: Make, returned: Any, command: Any) -> None:
    first, second = make("a", seed="1"), make("b", seed="2")
    pairs, control = make("c", form="pairs"), make("d", arm="real")
    for folder in (first, second, pairs, control):
        returned(folder, "anna", "tell_tale")
    returned(second, "cleo", "tell_tale")
    said = command("quiz", f"report={control},{first},{second},{pairs}")
    assert said.status == 0, said.err
    groups = [group(control, number) for number in range(3)]
    assert [(one["arm"], one["form"], one["quizzes"]) for one in groups] == [
        ("synthetic", "cards", 2), ("synthetic", "pairs", 1), ("real", "cards", 1),
    ]  # fmt: skip
    cards = groups[0]
    assert {one["rater"]: sum(one["judged"].values()) for one in cards["raters"]} == {"anna": 200, "cleo": 100}
    assert cards["score"]["judgements"] == 300
    assert groups[1]["score"]["error_on_real"] is None
    assert not (first / "report.html").exists()
    assert (first / "answers.parquet").is_file()


def test_images_are_shown_as_pictures(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Digits, with images of another seed of the same table in place of synthetic ones."""
    from types import SimpleNamespace

    from gans.config.compose import compose
    from gans.quiz import items
    from gans.quiz.page import write_quiz
    from gans.quiz.rows import Pools, _independent  # pyright: ignore[reportPrivateUsage]

    split = compose(["data=digits"]).data.split()
    mixed = _independent(split.holdout, split.schema, 0)
    pools = Pools(split.holdout, split.training.slice(0, 300), mixed, None, 300)
    saved = SimpleNamespace(schema=split.schema, folder=tmp_path, summary={})
    monkeypatch.setattr(items.SavedRun, "open", lambda _: saved)
    monkeypatch.setattr(items, "open_pools", lambda *_: pools)
    quiz = items.draw_quiz({"run": "run", "form": "cards", "arm": "synthetic", "seed": 0})
    assert all(card.picture and card.picture.startswith(b"\x89PNG") for item in quiz.items for card in item.cards)
    text = write_quiz(tmp_path, quiz, "en").read_text(encoding="utf-8")
    assert text.count("data:image/png;base64,") == 135
    import numpy as np

    real, broken = (np.stack(table["image"].combine_chunks().to_numpy_ndarray()) for table in (split.holdout, mixed))
    assert (np.sort(real, axis=0) == np.sort(broken, axis=0)).all()  # each pixel has its own values, in another order
    assert not (real == broken).all(axis=(1, 2, 3)).any()


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::ResourceWarning")
def test_a_report_goes_to_the_tracker_if_asked(make: Make, returned: Any, command: Any, recorded: Any) -> None:
    folder = make()
    returned(folder, "anna", "tell_tale", "always 99")
    assert command("quiz", f"report={folder}").status == 0
    assert not (folder / "wandb").exists()
    said = command("quiz", f"report={folder}", "tracker.mode=offline", "tracker.project=people")
    assert said.status == 0, said.err
    (file,) = folder.glob("wandb/offline-run-*/*.wandb")
    found = recorded(file)
    run = next(record.run for record in found if record.WhichOneof("record_type") == "run")
    assert (run.project, run.job_type) == ("people", "quiz")
    summary = {
        item.key or "/".join(item.nested_key): json.loads(item.value_json)
        for record in found
        if record.WhichOneof("record_type") == "summary"
        for item in record.summary.update
    }
    error = group(folder)["score"]["error"]
    place = f"{Path(group(folder)['run']).name}/synthetic/cards"
    assert summary[f"{place}/error"] == error["value"]
    assert summary[f"{place}/error_high"] == error["high"]
    (file,) = folder.glob("wandb/offline-run-*/files/media/table/answers*.json")
    table = json.loads(file.read_text(encoding="utf-8"))
    assert len(table["data"]) == 126
    assert table["data"][-1][-2:] == ["always 99", "visits"]


BAD = [
    (["out=new"], "run is not set"),
    (["run={run}"], "out is not set"),
    (["run=nowhere", "out=new"], "run=nowhere: no such folder"),
    (["run={files}", "out=new"], "it is no run directory"),
    (["run={run}", "out=full", "test={files}/unseen.parquet"], "out=full: it is not empty"),
    (["run={run}", "out=full/file", "test={files}/unseen.parquet"], "out=full/file: it is a file"),
    (["run={run}", "out=new", "language=de"], "language=de: allowed are en, zh"),
    (["run={run}", "out=new", "form=triples"], "form=triples: allowed are cards, pairs"),
    (["run={run}", "out=new", "arm=fake"], "arm=fake: allowed are synthetic, real"),
    (["run={run}", "out=new", "seed=-1"], "seed=-1: it must be at least 0"),
    (["run={run}", "out=new", "seed=two"], "seed=two: a whole number is needed"),
    (["run={run}", "out=new", "colour=red"], "unknown key colour"),
    (["run={run}", "out=new"], "it has 20 held-out rows, at least 65 are needed"),
    (["run={run}", "out=new", "test={files}/few.parquet"], "few.parquet: it has 40 held-out rows, at least 65"),
    (["run={run}", "out=new", "test={files}/unseen.parquet", "arm=real", "form=pairs", "real={files}/unseen.parquet"],
     "it has 0 held-out rows (260 more equal a training row), at least"),
    (["run={run}", "out=new", "test={files}/none.parquet"], "none.parquet: no such file"),
    (["run={run}", "out=new", "test={files}/lacking.parquet"], "test: the columns differ; it lacks 'income'"),
    (["run={run}", "out=new", "test={files}/unseen.parquet", "synthetic={files}/few.parquet"],
     "few.parquet: 40 synthetic rows are too few; at least 55 others"),
    (["run={run}", "out=new", "test={files}/unseen.parquet", "synthetic={files}/copied.parquet"],
     "177 synthetic rows, of which 177 equal a training row, are too few"),
    (["run={private}", "out=new"], "private and has no held-out rows; set test=FILE"),
    (["run={private}", "out={private}/new", "test={files}/unseen.parquet"], "the run is private and its folder"),
    (["report=nowhere"], "report=nowhere: no such folder"),
    (["report=full"], "report=full: it contains no quiz"),
    (["report={quiz}"], "nobody has answered"),
    (["report={quiz}", "out=new"], "out=new: report=FOLDER takes tracker.mode, tracker.project and no other key"),
    (["report={quiz}", "tracker.mode=loud"], "tracker.mode=loud: allowed are disabled, online, offline"),
    (["run={run}", "out=new", "tracker.mode=offline"], "tracker.mode=offline: it is a key of report=FOLDER"),
    (["report={quiz},{copy}"], "two of the folders contain the same quiz"),
    (["report={damaged}"], "quiz.json: not a quiz"),
    (["report={lost}"], "items.parquet: not a readable Parquet file"),
    (["report={stored}"], "answers.parquet: not the answers of a quiz"),
]  # fmt: skip


def test_mistakes_give_one_line_and_leave_nothing(
    make: Make, command: Any, finished: Any, files: Path, snapshot: Any, tmp_path: Path
) -> None:
    quiz, names = make(), {}
    for name in ("copy", "damaged", "lost", "stored"):
        names[name] = shutil.copytree(quiz, tmp_path / name)
    (tmp_path / "damaged" / "quiz.json").write_text('{"quiz": 5}')
    (tmp_path / "lost" / "items.parquet").write_bytes(b"PAR1")
    shutil.copy(files / "unseen.parquet", tmp_path / "stored" / "answers.parquet")
    private = shutil.copytree(finished.path, tmp_path / "private")
    config = private / "config.yaml"
    config.write_text(private_config())
    (private / "privacy.json").write_text("{}")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    places = names | {"run": finished.path, "files": files, "quiz": quiz, "private": private}
    before = snapshot(tmp_path)
    for arguments, message in BAD:
        said = command("quiz", *(argument.format(**places) for argument in arguments))
        assert said.status == 2, (arguments, said)
        assert message in said.err, (arguments, said.err)
        assert said.err.splitlines()[-1].startswith("error: ")
        assert "Traceback" not in said.err
        assert snapshot(tmp_path) == before, arguments


def private_config() -> str:
    """The config of a run with a mechanism of privacy."""
    from gans.config.compose import compose
    from gans.config.stored import to_yaml

    return to_yaml(compose(["+experiment=dp_marginals", "data=table", "data.path=x.csv"]))


def test_help_is_there(command: Any) -> None:
    assert "which customers are real" in command("quiz", "--help").out
