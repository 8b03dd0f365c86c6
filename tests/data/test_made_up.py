"""Made-up values of personal data: of their kind, different, and the same for the same seed, row or key."""

import subprocess
import sys
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from gans.data.detection import detect, normalise
from gans.data.personal.handling import MADE_UP
from gans.data.personal.made_up import made_up

ROWS = 400
RNG = np.random.default_rng(1)


def fake(kind: str, **more: Any) -> dict[str, Any]:
    return {"kind": kind, "locale": "en_US", "levels": 0, "missing": 0.0, "key": ""} | more


def values(about: dict[str, Any], rows: int, start: int = 0, seed: int = 0, name: str = "x") -> list[Any]:
    return made_up(about, name, pa.string(), seed, start, None, rows).to_pylist()


@pytest.mark.parametrize("kind", MADE_UP)
def test_a_made_up_value_follows_from_seed_column_and_row(kind: str) -> None:
    whole = values(fake(kind), 300)
    assert values(fake(kind), 40, start=250) == whole[250:290]
    assert values(fake(kind), 300, seed=1) != whole
    assert values(fake(kind), 300, name="y") != whole
    assert "" not in whole
    assert kind in ("first_name", "last_name") or len(set(whole)) == 300


@pytest.mark.parametrize("kind", ["email", "phone", "iban", "card", "ip", "mac", "url"])
def test_made_up_values_are_of_their_kind(kind: str) -> None:
    table = pa.table({"x": values(fake(kind), ROWS), "y": RNG.normal(size=ROWS)})
    assert detect(normalise(table))["x"].personal == kind


@pytest.mark.parametrize(
    ("locale", "detail"), [("zh_CN", "resident id"), ("fr_FR", "NIR"), ("it_IT", "codice fiscale")]
)
def test_national_ids_are_those_of_the_locale(locale: str, detail: str) -> None:
    table = pa.table({"x": values(fake("national_id", locale=locale), 100), "y": RNG.normal(size=100)})
    assert f"national ids, {detail}" in detect(normalise(table))["x"].reason


def test_names_are_all_different_and_those_of_the_locale() -> None:
    names = values(fake("name"), 100_000)
    assert len(set(names)) == 100_000
    chinese = values(fake("name", locale="zh_CN"), 50)
    assert all(2 <= len(name) <= 4 and "\u4e00" <= name[0] <= "\u9fff" for name in chinese)


def test_e_mail_addresses_are_nobodys() -> None:
    domains = {text.partition("@")[2] for text in values(fake("email"), 1000)}
    assert domains == {"example.com", "example.org", "example.net"}


def test_as_many_levels_and_missing_values_as_the_real_column() -> None:
    made = values(fake("phone", levels=30, missing=0.2), 5000)
    assert len(set(made) - {None}) == 30
    assert 0.17 < made.count(None) / 5000 < 0.23


def test_equal_keys_get_equal_values() -> None:
    keys = pa.chunked_array([["a", "b"], ["a", None, "b"]])
    made = made_up(fake("name", key="customer"), "x", pa.string(), 0, 0, keys, 5).to_pylist()
    assert made[0] == made[2]
    assert made[1] == made[4]
    assert len(set(made)) == 3
    later = made_up(fake("name", key="customer"), "x", pa.string(), 0, 4096, keys, 5).to_pylist()
    assert later == made


def test_whole_numbers_are_made_up_too() -> None:
    made = made_up(fake("phone", locale="zh_CN"), "x", pa.int64(), 0, 0, None, 50)
    assert made.type == pa.int64()
    assert all(10**10 <= number < 2 * 10**10 for number in made.to_pylist())


def test_made_up_values_are_the_same_in_another_process() -> None:
    code = (
        "import pyarrow as pa; from gans.data.personal.made_up import made_up;"
        f"print(made_up({fake('name')!r}, 'x', pa.string(), 0, 0, None, 3).to_pylist())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == str(values(fake("name"), 3))
