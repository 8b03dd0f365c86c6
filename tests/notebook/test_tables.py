"""Embedded tables, a simulated shop and profiles as frames; and the names of the package."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import gans
from gans.errors import UserError
from gans.notebook.tables import profiles

SETTINGS: dict[str, Any] = {"windows": [90], "levels": 2, "reference": "2025-01-01"}


@pytest.fixture(scope="module")
def shop() -> dict[str, pd.DataFrame]:
    return gans.simulate_shop(60)


@pytest.fixture(scope="module")
def made(shop: dict[str, pd.DataFrame]) -> pd.DataFrame:
    return profiles(shop["orders"], customers=shop["customers"], **SETTINGS)


def test_embedded_tables_are_frames() -> None:
    shapes = {name: getattr(gans, f"load_{name}")().shape for name in ("households", "charity", "loans")}
    assert shapes == {"households": (9275, 9), "charity": (4268, 8), "loans": (1989, 41)}


def test_the_shop_is_that_of_the_command(shop: dict[str, pd.DataFrame], command: Any) -> None:
    assert command("simulate", "customers=60", "out=shop").status == 0
    assert sorted(shop) == ["customers", "orders", "social", "views"]
    for name, frame in shop.items():
        pd.testing.assert_frame_equal(frame, pd.read_parquet(f"shop/{name}.parquet"), check_dtype=False)


def test_profiles_are_those_of_the_command(
    made: pd.DataFrame, shop: dict[str, pd.DataFrame], command: Any, tmp_path: Path
) -> None:
    for name in ("orders", "customers"):
        shop[name].to_parquet(tmp_path / f"{name}.parquet")
    keys = ("data.windows=[90]", "data.levels=2", "data.reference=2025-01-01", "out=out.parquet")
    assert command("profiles", "data.orders=orders.parquet", "data.customers=customers.parquet", *keys).status == 0
    pd.testing.assert_frame_equal(made, pd.read_parquet("out.parquet").set_index("customer"))
    files = profiles("orders.parquet", customers=Path("customers.parquet"), **SETTINGS)
    pd.testing.assert_frame_equal(files, made)


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_profiles_are_a_frame_of_the_library_of_the_log(
    made: pd.DataFrame, shop: dict[str, pd.DataFrame], library: str
) -> None:
    read = pl.from_pandas if library == "polars" else pa.Table.from_pandas
    found = profiles(read(shop["orders"]), customers=read(shop["customers"]), **SETTINGS)
    assert type(found).__module__.startswith(library)
    whole = found.to_pandas()
    assert list(whole.columns) == ["customer", *made.columns]
    assert whole["monetary"].tolist() == made["monetary"].tolist()


def test_columns_of_other_names_and_features_of_ones_own(shop: dict[str, pd.DataFrame]) -> None:
    orders = shop["orders"].rename(columns={"customer": "CustomerID"}).astype({"channel": "category"})
    columns = {"orders": {"customer": "CustomerID"}}
    found = profiles(orders, columns=columns, features={"lines": {"largest": "max(amount)"}}, windows=())
    assert found["largest"].max() == orders["amount"].max()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "no log is given: orders, views, social is needed"),
        ({"customers": "customers.parquet"}, "no log is given"),
        ({"orders": [1, 2]}, "orders=builtins.list: allowed are pandas.DataFrame"),
        ({"orders": pd.DataFrame({"customer": []})}, "orders: the table is empty"),
        ({"orders": pd.DataFrame({"customer": [1], "time": ["x"]})}, "data.orders: it has no column 'amount'"),
        (
            {"orders": pd.DataFrame({"customer": [1, "a"]})},
            "orders: Conversion failed for column customer .*; make",
        ),
        ({"orders": "nowhere.parquet"}, "data.orders=nowhere.parquet: no such file"),
        ({"orders": "nowhere.parquet", "levels": "many"}, "levels='many': a whole number is needed"),
        ({"orders": "nowhere.parquet", "windows": [0]}, "data.windows=0"),
        ({"orders": "nowhere.parquet", "reference": "soon"}, "data.reference=soon: a date is needed"),
        ({"orders": "nowhere.parquet", "columns": {"ordres": {}}}, "Did you mean 'orders'"),
    ],
    ids=["none", "people", "list", "empty", "column", "mixed", "file", "levels", "windows", "date", "log"],
)
def test_bad_logs_are_one_clear_error(given: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        profiles(**given)


def test_a_shop_of_no_number_of_customers() -> None:
    with pytest.raises(UserError, match="customers='many': a whole number is needed"):
        gans.simulate_shop("many")  # pyright: ignore[reportArgumentType]


def test_profiles_can_be_called_before_and_after_the_command_was_imported() -> None:
    code = (
        "import gans; a = gans.profiles; import gans.profiles as command; assert gans.profiles is command is not a\n"
        "for call in (a, gans.profiles):\n"
        "    try: call()\n"
        "    except gans.UserError as error: assert 'no log is given' in str(error)\n"
        "    else: raise AssertionError\n"
        "from gans import profiles; assert callable(profiles) and callable(command.command)\n"
        "import gans.compare; assert gans.compare.__class__ is gans.profiles.__class__\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_all_names_are_there_and_unknown_ones_are_not() -> None:
    assert all(callable(getattr(gans, name)) for name in gans.__all__)
    assert set(gans.__all__) <= set(dir(gans))
    with pytest.raises(AttributeError, match="has no attribute 'load_cats'"):
        gans.load_cats  # noqa: B018  # pyright: ignore[reportAttributeAccessIssue]
