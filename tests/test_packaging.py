"""What is installed: lock files with every dependency, a typed package, and what is said where XGBoost is broken."""

import re
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

import gans
from gans.errors import UserError
from gans.trees import import_xgboost, installed_xgboost

ROOT = Path(__file__).parents[1]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS: dict[str, list[str]] = PROJECT["optional-dependencies"]


def name_of(requirement: str) -> str:
    return re.sub(r"[-_.]+", "-", re.split(r"[\[<>=!~; ]", requirement)[0]).lower()


@pytest.mark.parametrize(("file", "extra"), [
    ("requirements.lock", ""), ("requirements-test.lock", "test"), ("requirements-cuda.lock", "cuda"),
])  # fmt: skip
def test_a_lock_file_has_every_dependency_with_hashes_and_names_no_server(file: str, extra: str) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", "\n".join(line for line in text.splitlines() if not line.startswith("#")))
    assert all("--hash=sha256:" in entry for entry in entries)
    assert {name_of(one) for one in [*PROJECT["dependencies"], *EXTRAS.get(extra, [])]} <= set(map(name_of, entries))
    assert "://" not in text
    assert "scripts/lock.sh" in text.splitlines()[0]


def test_no_dependency_is_named_twice_and_the_tests_have_those_of_the_loggers() -> None:
    names = [name_of(one) for one in PROJECT["dependencies"]]
    assert len(names) == len(set(names))
    for extra in ("tensorboard", "mlflow", "privacy", "federated", "fake", "lab", "tune"):
        assert set(EXTRAS[extra]) <= set(EXTRAS["test"]), extra


def test_the_package_says_that_it_is_typed() -> None:
    assert (Path(gans.__file__).parent / "py.typed").is_file()


def test_xgboost_that_cannot_be_loaded_is_one_error_that_names_what_is_installed(monkeypatch: Any) -> None:
    assert installed_xgboost()
    import_xgboost.cache_clear()
    monkeypatch.setitem(sys.modules, "xgboost", None)
    both = {"xgboost": "3.2.0", "xgboost-cpu": "3.1.0"}
    monkeypatch.setattr("gans.trees.installed_xgboost", lambda: both)
    with pytest.raises(UserError, match=r"xgboost 3\.2\.0 and xgboost-cpu 3\.1\.0.*pip uninstall xgboost xgboost-cpu"):
        import_xgboost()
    monkeypatch.setattr("gans.trees.installed_xgboost", dict)
    with pytest.raises(UserError, match=r"not installed .*: python -m pip install xgboost"):
        import_xgboost()


@pytest.mark.usefixtures("no_report")
def test_a_run_that_needs_trees_says_so_before_it_trains(command: Any, monkeypatch: Any, tmp_path: Path) -> None:
    import_xgboost.cache_clear()
    monkeypatch.setitem(sys.modules, "xgboost", None)
    done = command("train", "refine=boosted", "+debug=limit", "run_dir=run")
    assert done.status == 2
    assert "XGBoost" in done.err
    assert not (tmp_path / "run").exists()
