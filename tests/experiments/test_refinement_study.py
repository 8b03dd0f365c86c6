"""The study of realism against memory: its rule, and its table from its results."""

from pathlib import Path
from typing import Any

from gans.refinement.boosted import Boosted

HERE = Path(__file__).parents[2] / "experiments" / "refinement"


def figures(study: Any, points: dict[str, tuple[float, float]]) -> dict[str, dict[str, float]]:
    rest = dict.fromkeys(study.FIGURES, 0.0)
    return {name: rest | {"score": score, "overfit": overfit} for name, (score, overfit) in points.items()}


def test_the_rule_takes_the_best_score_within_what_may_be_added(study: Any) -> None:
    """Means over two tables: strength .5 adds .02, trees of depth 2 add more."""
    first = {"none": (0.7, 0.03), "strength=0": (0.72, 0.03), "strength=0.25": (0.75, 0.035)}
    first |= {"strength=0.5": (0.8, 0.05), "depth=2": (0.85, 0.052), "strength=1": (0.9, 0.09)}
    second = {name: (score - 0.1, overfit - 0.01) for name, (score, overfit) in first.items()}
    found = {"one": figures(study, first), "two": figures(study, second)}
    assert study.chosen(found) == "strength=0.5"
    found["one"] = figures(study, first | {"strength=0.5": (0.8, 0.06)})
    assert study.chosen(found) == "strength=0.25"


def test_table_is_that_of_the_results_and_has_every_setting(study: Any, tmp_path: Path) -> None:
    (tmp_path / "results.csv").write_text((HERE / "results.csv").read_text())
    study.write_results(tmp_path)
    assert (tmp_path / "TABLE.md").read_text() == (HERE / "TABLE.md").read_text()
    assert (tmp_path / "frontier.png").stat().st_size > 10_000
    found = study.means(study.read_rows(HERE / "results.csv"))
    assert set(found) == set(study.TABLES)
    assert all(set(by) == set(study.SETTINGS) for by in found.values())
    assert study.chosen(found) == f"strength={Boosted().strength:g}"  # the other settings are the default's


def test_what_is_set_aside_is_in_neither_part_twice(study: Any, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"number": range(1_000)}), tmp_path / "churn.parquet")
    fit, unseen = (pq.read_table(path)["number"].to_pylist() for path in study.set_aside("churn", tmp_path, tmp_path))
    of_tabular = study.split(1_000)[1].tolist()
    assert (len(fit), len(unseen), len(of_tabular)) == (720, 180, 100)
    assert sorted(fit + unseen + of_tabular) == list(range(1_000))
