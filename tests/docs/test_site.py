"""The site builds without a warning, and says what the code says."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
READMES = (ROOT / "README.md", ROOT / "README.zh-CN.md")
NAMED = re.compile(r"(?<![\w/.-])((?:gans|conf|scripts|experiments|tests|docs)/[\w./-]*\w)")


def test_the_site_builds_without_a_warning(tmp_path):
    pytest.importorskip("mkdocs")
    arguments = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    environment = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    done = subprocess.run(arguments, cwd=ROOT, env=environment, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "WARNING" not in said
    assert "ERROR" not in said
    for page in PAGES:
        html = (tmp_path / "site" / page.relative_to(DOCS).with_suffix(".html")).read_text()
        outside = re.findall(r'<(?:script|link|img)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*', html)
        assert not outside, page


def test_every_page_is_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text()

    def files(entry):
        if isinstance(entry, str):
            return [entry]
        return [name for part in (entry.values() if isinstance(entry, dict) else entry) for name in files(part)]

    assert sorted(files(yaml.safe_load(text)["nav"])) == sorted(page.relative_to(DOCS).as_posix() for page in PAGES)


def test_the_features_of_the_page_are_those_of_the_code():
    spec = importlib.util.spec_from_file_location("feature_table", ROOT / "scripts" / "feature_table.py")
    assert spec
    assert spec.loader
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    page = (DOCS / "events.md").read_text()
    assert script.updated(page) == page, "python scripts/feature_table.py writes the table anew"


def test_every_experiment_is_on_the_page_about_variants():
    page = (DOCS / "variants.md").read_text()
    missing = [path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml") if f"`{path.stem}`" not in page]
    assert not missing


def test_the_reference_has_every_component():
    from gans.config.components import ROOMS, load_components
    from gans.registry import COMPONENTS

    load_components()
    page = (DOCS / "reference.md").read_text()
    named = set(re.findall(r"^::: (\S+)$", page, re.MULTILINE))
    rooms = tuple(f"gans.{room}." for room in ROOMS if room not in ("data", "tracking", "training"))
    kinds = [kind for known in COMPONENTS.values() for kind in known.values() if kind.__module__.startswith(rooms)]
    assert not [kind for kind in kinds if f"{kind.__module__}.{kind.__qualname__}" not in named]


@pytest.mark.parametrize("page", [*PAGES, *READMES], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_what_a_page_names_in_the_repository_is_there(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = {link for link in re.findall(r"\]\(([^)\s#]+)", text) if "://" not in link}
    missing = {link for link in links if not (page.parent / link).exists()}
    named = {name for name in NAMED.findall(text) if name not in links and "NAME" not in name}
    missing |= {name for name in named if not (ROOT / name).exists()}
    assert not missing
