"""The command that evaluates, also of images, and anonymeter in an interpreter of its own."""

import dataclasses
import html
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from gans.errors import UserError
from gans.evaluation.anonymity import anonymity, risk_of
from gans.evaluation.suite import evaluate
from gans.findings.privacy import what_helps

from .customers import people, tables

pytestmark = pytest.mark.usefixtures("few_trees")


def test_files_are_judged(command: Callable[..., Any], tmp_path: Path) -> None:
    for name, seed in (("real", 0), ("made", 1), ("test", 2)):
        pq.write_table(people(seed, 300), tmp_path / f"{name}.parquet")
    done = command("evaluate", "real=real.parquet", "synthetic=made.parquet", "test=test.parquet", "target=left",
                   "secrets=[plan]", "out=judged")  # fmt: skip
    assert done.status == 0, done.err
    for part in ("unseen rows", "fidelity", "detection", "utility", "privacy"):
        assert part.upper() in done.out
    assert "IMAGES" not in done.out
    assert "a check for copies" in done.out
    stored = json.loads((tmp_path / "judged" / "evaluation.json").read_text())
    assert set(stored["scores"]) == set(stored["observed"][0]["scores"])
    assert (tmp_path / "judged" / "report.html").is_file()


def test_whether_rows_may_be_shared_is_said_last(command: Callable[..., Any], tmp_path: Path) -> None:
    pq.write_table(people(0, 300), tmp_path / "real.parquet")
    for quiet in ((), ("-q",)):
        done = command("evaluate", *quiet, "real=real.parquet", "synthetic=real.parquet", "metrics=fast")
        assert done.status == 0
        question, reason, advice = done.out.splitlines()[-3:]
        assert question == "May I share these rows? No"
        assert "of the rows equal a training row" in reason
        assert advice == f"  {what_helps()}"
        assert "Are they real enough on unseen rows? Not tested" in done.out
        assert "Do they resemble the table? " in done.out


@pytest.mark.parametrize("rows", [60, 200])
def test_what_cannot_be_decided_comes_with_what_decides_it(
    command: Callable[..., Any], rows: int, tmp_path: Path
) -> None:
    for name, seed, count in (("real", 0, 300), ("made", 1, 300), ("few", 2, rows)):
        pq.write_table(people(seed, count), tmp_path / f"{name}.parquet")
    given = ("real=real.parquet", "synthetic=made.parquet", "secrets=[plan]", "kinds.plan=category", "out=it is judged")
    done = command("evaluate", *given, "test=few.parquet")
    assert done.status == 0, done.err
    last = done.out.splitlines()[-6:]
    assert "May I share these rows? Not known" in last
    asked = (
        'gans evaluate real=real.parquet synthetic=made.parquet kinds.plan=category "secrets=[plan]" '
        '"out=it is judged" test=unseen.csv'
    )
    assert last[-2:] == ["  To test it, run", f"    {asked}"]
    assert f"(here {rows:,})" in last[-3]
    page = (tmp_path / "it is judged" / "report.html").read_text()
    assert f"<code>{html.escape(asked).replace('&quot;', '&#34;')}</code>" in page


def test_every_seed_and_draw_of_a_run_is_judged(command: Callable[..., Any], related: Any, tmp_path: Path) -> None:
    pq.write_table(related.table, tmp_path / "real.parquet")
    arguments = (f"run={related.path}", "real=real.parquet", "test=real.parquet", "members=all", "draws=2")
    done = command("evaluate", *arguments, "metrics=fast", "n=200", "out=judged")
    assert done.status == 0, done.err
    observed = json.loads((tmp_path / "judged" / "evaluation.json").read_text())["observed"]
    assert sorted((one["seed"], one["draw"]) for one in observed) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert len({json.dumps(one["scores"]) for one in observed}) == 4


def test_a_run_whose_table_was_another_one_asks_for_it(command: Callable[..., Any], related: Any) -> None:
    """The run was given a table in memory; its config.yaml names the households."""
    done = command("evaluate", f"run={related.path}", "metrics=fast", "out=judged")
    assert done.status == 2
    assert "another table" in done.err
    assert "set real=FILE" in done.err


def test_a_run_is_judged_against_its_own_rows(command: Callable[..., Any], finished: Any, tmp_path: Path) -> None:
    done = command("evaluate", f"run={finished.path}", "metrics=fast", "out=judged")
    assert done.status == 0, done.err
    stored = json.loads((tmp_path / "judged" / "evaluation.json").read_text())
    assert stored["rows"] == {"real": 177, "synthetic": 177, "test": 20}
    assert stored["observed"][0]["seed"] == 0


def test_images_are_judged(command: Callable[..., Any], tmp_path: Path) -> None:
    """Other digits are near, digits turned by a quarter far away, and each score is that of its formula."""
    from gans.evaluation.digits import digits, digits_network

    images, _ = digits()
    made = {"like": images[1::2, ..., 0], "turned": np.rot90(images[1::2, ..., 0], axes=(1, 2))}
    np.save(tmp_path / "real.npy", images[::2])
    (there, _), found = digits_network()(images[::2]), {}
    for name, one in made.items():
        np.save(tmp_path / f"{name}.npy", one)
        done = command("evaluate", "real=real.npy", f"synthetic={name}.npy", f"out={name}")
        assert done.status == 0, done.err
        found[name] = json.loads((tmp_path / name / "evaluation.json").read_text())["scores"]
        assert set(found[name]) == {"fid", "kid", "inception_score"}
        here, _ = digits_network()(one[..., None])
        assert found[name]["kid"] == pytest.approx(all_pairs_kid(there, here), rel=0.02, abs=1e-6)
        assert found[name]["fid"] == pytest.approx(frechet(there, here), rel=1e-3)
    for score in ("fid", "kid"):
        assert abs(found["like"][score]) < found["turned"][score] / 20


def all_pairs_kid(left: np.ndarray, right: np.ndarray) -> float:
    """The unbiased estimate over all pairs, of which the evaluation takes subsets."""

    def kernel(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        return (one.astype(float) @ other.T / one.shape[1] + 1) ** 3

    def within(side: np.ndarray) -> float:
        own = kernel(side, side)
        return (own.sum() - np.trace(own)) / (len(side) * (len(side) - 1))

    return float(within(left) + within(right) - 2 * kernel(left, right).mean())


def frechet(left: np.ndarray, right: np.ndarray) -> float:
    """The squared distance of means, and the traces of covariances less twice that of their geometric mean."""
    one, other = (np.cov(side.astype(float), rowvar=False) for side in (left, right))
    roots = np.sqrt(np.maximum(np.linalg.eigvals(one @ other).real, 0))
    gap = left.astype(float).mean(axis=0) - right.astype(float).mean(axis=0)
    return float(gap @ gap + np.trace(one) + np.trace(other) - 2 * roots.sum())


# ---- anonymeter, by a stand-in for its interpreter


def test_anonymeter_runs_elsewhere(tmp_path: Path) -> None:
    real = people(0, 200)
    found = tables(real, people(1, 200), people(2, 200))
    stand_in = tmp_path / "python"
    stand_in.write_text(
        f'#!{sys.executable}\nprint(\'{{"singling_out": [0.1, 0.0, 0.2], "linkability": [0, 0, 0.1]}}\')\n'
    )
    stand_in.chmod(0o755)
    risks = {"singling_out": (0.1, 0.0, 0.2), "linkability": (0, 0, 0.1)}
    assert anonymity(found, str(stand_in), 100) == (risks, {})
    with pytest.raises(UserError, match="anonymeter=/bin/true: it is not a Python interpreter"):
        anonymity(found, "/bin/true", 100)
    with pytest.raises(UserError, match="anonymeter=/no/python: it cannot be run"):
        anonymity(found, "/no/python", 100)
    with pytest.raises(UserError, match=r"No module named 'anonymeter'.*pip install anonymeter"):
        anonymity(found, sys.executable, 100)


def test_an_attack_of_anonymeter_that_fails_loses_itself_only(tmp_path: Path) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text(
        f'#!{sys.executable}\nprint(\'{{"singling_out": "RuntimeError: no queries", "linkability": [0, 0, 0.1]}}\')\n'
    )
    stand_in.chmod(0o755)
    both = dataclasses.replace(tables(people(0, 200), people(1, 200), people(2, 200)), anonymeter=str(stand_in))
    found = evaluate(both, "fast", only=["anonymeter"])
    assert found.scores["linkability"].value == 0
    assert "singling_out" not in found.scores
    assert "singling_out: left out, anonymeter failed (RuntimeError: no queries)" in found.notes

    def fails() -> Any:
        raise ValueError("one\ncolumn")

    assert risk_of(fails) == "ValueError: one column"
