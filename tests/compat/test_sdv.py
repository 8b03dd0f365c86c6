"""Metadata of SDV: what it says of a table, what it may not say, and that it is written as it is read."""

import datetime
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from gans.compat.sdv import conform, metadata_of, schema_of
from gans.data.detection import detect, normalise
from gans.data.frames import read_frame, text_of, times_of
from gans.data.personal.handling import Handling
from gans.data.schema import Column, Schema
from gans.errors import UserError
from gans.report import page
from gans.synthesizer import Synthesizer

ROWS = 120
QUICK = (
    "+debug=limit",
    "trainer.steps=2",
    "trainer.batch_size=50",
    "network.latent=8",
    "network.generator_widths=[16,16,16]",
    "network.discriminator_widths=[16,8]",
)
COLUMNS: dict[str, dict[str, Any]] = {
    "guest": {"sdtype": "id", "regex_format": "G_[0-9]{3}"},
    "email": {"sdtype": "email", "pii": True},
    "city": {"sdtype": "city", "pii": False},
    "room": {"sdtype": "categorical"},
    "stars": {"sdtype": "categorical"},
    "nights": {"sdtype": "numerical", "computer_representation": "Int64"},
    "age": {"sdtype": "numerical"},
    "rate": {"sdtype": "numerical", "computer_representation": "Float"},
    "member": {"sdtype": "boolean"},
    "arrival": {"sdtype": "datetime", "datetime_format": "%d %b %Y"},
    "booked": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
    "note": {"sdtype": "text"},
}
KINDS = {
    "guest": "id",
    "email": "id",
    "city": "category",
    "room": "category",
    "stars": "category",
    "nights": "integer",
    "age": "integer",
    "rate": "numeric",
    "member": "boolean",
    "arrival": "datetime",
    "booked": "datetime",
    "note": "text",
}


def of(columns: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "METADATA_SPEC_VERSION": "V1",
        "tables": {"guests": {"columns": columns, **more}},
        "relationships": [],
    }


def make_frame() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    arrival = pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 700, ROWS), unit="D")
    gone = rng.random(ROWS) < 0.2
    return pd.DataFrame(
        {
            "guest": [f"G_{place:03}" for place in range(ROWS)],
            "email": [f"guest{place}@example.org" for place in range(ROWS)],
            "city": rng.choice(["Rome", "Ulm"], ROWS),
            "room": rng.choice(["single", "double"], ROWS),
            "stars": rng.integers(1, 6, ROWS),
            "nights": pd.Series(rng.integers(1, 15, ROWS), dtype="float64").mask(gone),
            "age": rng.integers(18, 90, ROWS),
            "rate": rng.gamma(2, 50, ROWS),
            "member": rng.random(ROWS) < 0.3,
            "arrival": pd.Series(arrival.strftime("%d %b %Y")).mask(gone),
            "booked": arrival - pd.Timedelta(days=9),
            "note": [f"a note of guest {place}" for place in range(ROWS)],
        }
    )


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return make_frame()


@pytest.fixture(scope="module")
def fitted(frame: pd.DataFrame) -> Synthesizer:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "report_run", lambda *_: dict)
        overrides = [*QUICK, "data.fake=[email]"]
        return Synthesizer(
            experiment="vanilla", overrides=overrides, progress=False, metadata=of(COLUMNS, primary_key="guest")
        ).fit(frame)


# Reading


def test_kinds_of_both_versions_files_and_objects(tmp_path: Path) -> None:
    expected = {**KINDS, "age": "numeric"}
    v1 = of(COLUMNS, primary_key="guest")
    single = {"METADATA_SPEC_VERSION": "SINGLE_TABLE_V1", "primary_key": ["guest"], "columns": COLUMNS}
    (tmp_path / "metadata.json").write_text(json.dumps(v1))

    class Metadata:
        def to_dict(self) -> dict[str, Any]:
            return single

    for metadata in (v1, single, tmp_path / "metadata.json", str(tmp_path / "metadata.json"), Metadata()):
        assert schema_of(metadata) == expected


def test_a_primary_key_is_never_learned() -> None:
    assert schema_of(of({"a": {"sdtype": "numerical"}, "b": {"sdtype": "numerical"}}, primary_key="a"))["a"] == "id"


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        (["a"], r"metadata=list: allowed are a dict, the path of a JSON file"),
        ("nowhere.json", "metadata=nowhere.json: not a readable JSON file"),
        ({"tables": {}}, "METADATA_SPEC_VERSION=: allowed are V1, SINGLE_TABLE_V1"),
        (of({}) | {"METADATA_SPEC_VERSION": "MULTI_TABLE_V1"}, "METADATA_SPEC_VERSION=MULTI_TABLE_V1: allowed are V1"),
        (of({}) | {"tables": {"one": {}, "two": {}}}, "tables are one, two; allowed is one"),
        (of({}) | {"tables": {}}, "tables are none; allowed is one"),
        (of({}) | {"tables": {"one": {}}}, "`columns` must be as in"),
        (of({"age": "numerical"}), "`columns` must be as in"),
        (of({"age": {"sdtype": "numercial"}}), "column 'age': sdtype=numercial: .*Did you mean 'numerical'"),
        (of({"age": {}}), "column 'age': sdtype=: allowed are numerical, categorical"),
        (
            of({"age": {"sdtype": "numerical", "computer_representation": "Int46"}}),
            "column 'age': computer_representation=Int46: allowed are Float, Int8.*Did you mean 'Int64'",
        ),
        (of({"age": {"sdtype": "id"}}, primary_key="aeg"), "primary_key='aeg' .*Did you mean 'age'"),
    ],
)
def test_metadata_that_cannot_be_read(metadata: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        schema_of(metadata)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda columns: columns.pop("age"), "column 'age' of the frame is not described; allowed are guest"),
        (
            lambda columns: columns.update(agee={"sdtype": "id"}),
            "column 'agee' is not in the frame.*Did you mean 'age'",
        ),
        (
            lambda columns: columns["room"].update(sdtype="numerical"),
            "'room' is numerical, but .*categorical, datetime",
        ),
        (lambda columns: columns["age"].update(sdtype="datetime"), "'age' is datetime, but .*int64; allowed are numer"),
        (lambda columns: columns["age"].update(sdtype="boolean"), "'age' is boolean, but .*int64"),
        (
            lambda columns: columns["booked"].update(sdtype="categorical"),
            "'booked' is categorical.*allowed are datetime",
        ),
        (
            lambda columns: columns["rate"].update(computer_representation="Int32"),
            "column 'rate' holds .* not whole; allowed is computer_representation=Float",
        ),
        (lambda columns: columns["arrival"].pop("datetime_format"), "column 'arrival' holds text; give its datetime_f"),
        (
            lambda columns: columns["arrival"].update(datetime_format="%Y"),
            "'arrival': datetime_format: '.*' does not fit",
        ),
        (
            lambda columns: columns["arrival"].update(datetime_format="%Q"),
            "'arrival': datetime_format: '%Q' is not a format of times",
        ),
        (
            lambda columns: columns["arrival"].update(datetime_format="mixed"),
            "'arrival': datetime_format: 'mixed' is no",
        ),
    ],
)
def test_metadata_that_does_not_fit_the_frame(
    frame: pd.DataFrame, change: Callable[[Any], Any], said: str, tmp_path: Path
) -> None:
    columns = {name: dict(column) for name, column in COLUMNS.items()}
    change(columns)
    with pytest.raises(UserError, match=said):
        Synthesizer(experiment="vanilla", metadata=of(columns), run_dir=tmp_path / "run").fit(frame)
    assert not (tmp_path / "run").exists()


def test_kinds_go_before_the_metadata(frame: pd.DataFrame) -> None:
    columns = {**COLUMNS, "age": {"sdtype": "boolean"}}
    found = conform(of(columns), read_frame(frame).table, {"age": "category", "note": "category"})
    assert found.kinds == {**KINDS, "age": "category", "note": "category"}
    assert found.drop == ["guest"]
    assert found.personal == {"email": "email", "city": "none"}
    assert found.formats == {"arrival": "%d %b %Y"}


def test_sensitive_columns_follow_the_rule_of_personal_data(frame: pd.DataFrame) -> None:
    columns = {**COLUMNS, "room": {"sdtype": "postcode"}, "note": {"sdtype": "text", "pii": True}}
    table = read_frame(frame).table
    found = conform(of(columns), table, {})
    assert found.personal == {"email": "email", "city": "none", "room": "other", "note": "other"}
    assert found.drop == ["guest"]

    def detected(**handling: Any) -> Schema:
        personal = Handling(declared=found.personal, **handling)
        return detect(normalise(found.table), found.kinds, found.drop, personal)

    assert detected()["email"].reason.startswith("personal data: e-mail addresses (data.keep=[email] keeps it")
    assert detected()["room"].role == "dropped"
    kept = detected(keep=["email"])["email"]
    assert (kept.kind, kept.role, kept.personal) == ("category", "feature", "email")


def test_categories_that_are_e_mail_addresses_are_found_too(frame: pd.DataFrame) -> None:
    columns = {**COLUMNS, "email": {"sdtype": "categorical"}}
    found = conform(of(columns), read_frame(frame).table, {})
    schema = detect(normalise(found.table), found.kinds, found.drop, Handling(declared=found.personal))
    assert (schema["email"].role, schema["email"].personal) == ("dropped", "email")


def test_text_of_pandas_categories_is_no_time(frame: pd.DataFrame) -> None:
    frame = frame.assign(arrival=frame["arrival"].astype("category"))
    with pytest.raises(UserError, match="column 'arrival' is datetime"):
        conform(of(COLUMNS), read_frame(frame).table, {})


# Times as text


@pytest.mark.parametrize(
    ("pattern", "text", "zone"),
    [
        ("%d %b %Y", ["27 Dec 2020", "01 Feb 1999", None], None),
        ("%Y-%m-%d %H:%M:%S.%f", ["2020-01-01 10:00:00.000001", None], None),
        ("%m/%d/%y %I:%M %p", ["12/31/99 11:59 PM"], None),
        ("%Y%m%dT%H%M%S%z", ["20200101T120000+0000", None], "UTC"),
    ],
)
def test_text_to_times_and_back(pattern: str, text: list[str | None], zone: str | None) -> None:
    times = times_of(pa.chunked_array([text], pa.string()), pattern)
    assert times.type == pa.timestamp("us", zone)
    expected = [None if one is None else datetime.datetime.strptime(one, pattern) for one in text]
    assert times.to_pylist() == expected
    again = text_of(times, pattern).to_pylist()
    parsed = [None if one is None else datetime.datetime.strptime(one, pattern) for one in again]
    assert parsed == expected


# Fitting


def test_rows_are_as_the_metadata_says(fitted: Synthesizer, frame: pd.DataFrame, tmp_path: Path) -> None:
    rows = fitted.sample(60)
    kept = [name for name in frame.columns if name not in ("guest", "note")]
    assert list(rows.columns) == kept
    assert not set(rows["email"]) & set(frame["email"])
    assert rows["email"].str.fullmatch(r"[a-z]+\.[a-z]+\d+@example\.(com|org|net)").all()
    assert rows.dtypes.to_dict() == frame[kept].dtypes.to_dict()
    assert set(rows["stars"]) <= set(range(1, 6))
    assert (rows["nights"].dropna() % 1 == 0).all()
    arrival = pd.to_datetime(rows["arrival"], format="%d %b %Y")
    real = pd.to_datetime(frame["arrival"], format="%d %b %Y")
    assert real.min() <= arrival.min() <= arrival.max() <= real.max()
    assert 0 < arrival.isna().sum() < 60
    fitted.save(tmp_path / "saved")
    pd.testing.assert_frame_equal(Synthesizer.load(tmp_path / "saved").sample(60), rows)


def test_a_condition_on_times_that_are_text(fitted: Synthesizer) -> None:
    rows = fitted.sample(20, where={"arrival": slice("2020-06-01", "2021-06-01")})
    arrival = pd.to_datetime(rows["arrival"], format="%d %b %Y")
    assert arrival.between("2020-06-01", "2021-05-31").all()


@pytest.mark.usefixtures("no_report")
def test_metadata_and_polars(frame: pd.DataFrame) -> None:
    given = pl.from_pandas(frame)
    rows = (
        Synthesizer(experiment="vanilla", overrides=QUICK, progress=False, metadata=of(COLUMNS)).fit(given).sample(20)
    )
    assert isinstance(rows, pl.DataFrame)
    assert rows.schema == given.drop("guest", "email", "note").schema
    rows["arrival"].str.to_date("%d %b %Y")


# Writing


def test_written_metadata_reads_back(fitted: Synthesizer, frame: pd.DataFrame) -> None:
    written = json.loads(json.dumps(fitted.to_metadata("guests")))
    assert list(written) == ["METADATA_SPEC_VERSION", "tables", "relationships"]
    assert schema_of(written) == KINDS
    columns = written["tables"]["guests"]["columns"]
    assert columns["email"] == {"sdtype": "email", "pii": True}
    assert columns["age"] == {"sdtype": "numerical", "computer_representation": "Int64"}
    assert columns["arrival"] == {"sdtype": "datetime", "datetime_format": "%d %b %Y"}
    assert columns["booked"] == {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M:%S"}
    again = conform(written, read_frame(frame).table, {})
    assert (again.kinds, again.formats) == (KINDS, {"arrival": "%d %b %Y"})


def test_written_types() -> None:
    stamp = datetime.datetime(2020, 1, 1, 10)
    table = pa.table(
        {
            "small": pa.array([1, 2, 3, 200], pa.uint8()),
            "whole": [1.0, 2.0, 3.0, None],
            "money": pa.array([1, 2, 3, 4], pa.decimal128(9, 2)),
            "day": pa.array([18000, 18001, 18002, 18003], pa.date32()),
            "at": pa.array([stamp + datetime.timedelta(milliseconds=k) for k in range(4)], pa.timestamp("ms", "UTC")),
            "list": [[1], [2], [3], [4]],
            "same": ["x"] * 4,
        }
    )
    schema = detect(normalise(table))
    columns = metadata_of(schema, "t")["tables"]["t"]["columns"]
    assert columns == {
        "small": {"sdtype": "numerical", "computer_representation": "UInt8"},
        "whole": {"sdtype": "numerical", "computer_representation": "Int64"},
        "money": {"sdtype": "numerical", "computer_representation": "Int64"},
        "day": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d"},
        "at": {"sdtype": "datetime", "datetime_format": "%Y-%m-%d %H:%M:%S.%f%z"},
        "list": {"sdtype": "text"},
        "same": {"sdtype": "categorical"},
    }
    again = conform(metadata_of(schema, "t"), table, {})
    assert again.kinds == {column.name: column.kind for column in schema.columns}


def test_images_have_no_sdtype() -> None:
    with pytest.raises(UserError, match="column 'digit' holds images"):
        metadata_of(Schema([Column(name="digit", kind="image", type="image[uint8, 8 x 8 x 1]")]), "digits")
