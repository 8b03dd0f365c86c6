"""Columns of a declared domain that follow from others, and what does not fit together."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gans.data.codecs import FittedCodec
from gans.data.domain import Domain
from gans.errors import UserError

FOLLOWING = """
columns:
  office: {kind: category, levels: [Leeds, London], other: abroad, missing: true}
  region: {kind: category, levels: [north, south, none], follows: office, missing: true,
           values: {Leeds: north, London: south, abroad: none}}
  price: {kind: numeric, low: 0, high: 90, decimals: 2}
  shipping: {kind: numeric, low: 0, high: 9, decimals: 2}
  total: {kind: numeric, low: 0, high: 99, decimals: 2, equals: price + shipping}
  cents: {kind: integer, low: 0, high: 900, equals: 100 * shipping}
"""


def test_columns_that_follow_are_not_modelled_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(FOLLOWING)
    declared = Domain.read(tmp_path / "d.yaml")
    declared.write(tmp_path / "again.yaml")
    assert Domain.read(tmp_path / "again.yaml") == declared
    assert [column.name for column in declared.modelled] == ["office", "price", "shipping"]
    table = pa.table(
        {
            "office": ["Leeds", None, "London"],
            "region": ["north", None, "south"],
            "price": [1.25, 2.5, 90.0],
            "shipping": [0.5, 0.25, 9.0],
            "total": [1.75, 2.75, 99.0],
            "cents": [50, 25, 900],
        }
    )
    codec = declared.codec()
    encoded = declared.encode(table, codec)
    codec.save(tmp_path / "codec.npz")
    back = FittedCodec.load(tmp_path / "codec.npz", codec.schema).decode(encoded)
    assert back.schema.types == table.schema.types
    assert back.select(["office", "region"]).equals(table.select(["office", "region"]))
    for column in ("total", "cents"):
        whole = 1 if column == "total" else 100
        parts = (
            [back["price"].to_numpy(), back["shipping"].to_numpy()]
            if whole == 1
            else [100 * back["shipping"].to_numpy()]
        )
        assert np.allclose(back[column].to_numpy(), sum(parts))
    wrong = table.set_column(4, "total", [[1.75, 3.0, 99.0]])
    with pytest.raises(UserError, match=r"column 'total': .* is declared and does not hold in 1 rows"):
        declared.encode(wrong, codec)
    with pytest.raises(UserError, match="column 'region': 'office -> region' is declared and does not hold in 1 rows"):
        declared.encode(table.set_column(1, "region", [["north", None, "north"]]), codec)


FEW = "kind: integer, low: 0, high: 9"
FROM_OFFICE = f"{FEW}, missing: true, follows: office, values"


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (f"{FEW}, follows: ofice, values: {{}}", "'ofice' is not declared. Did you mean 'office'"),
        (f"{FEW}, follows: total, values: {{}}", "'total' follows from others itself"),
        (f"{FEW}, follows: price, values: {{}}", "it needs a column whose levels are declared"),
        (f"{FEW}, follows: office, values: {{Leeds: 1}}", "values has nothing for 'London', a level of 'office'"),
        (f"{FEW}, follows: office, values: {{Leeds: 1, London: 2, abroad: 3}}", "values has nothing for None"),
        (f"{FROM_OFFICE}: {{Leeds: 1, London: 2, abroad: 3, Rome: 4}}", "values of 'Rome', which is not a level of"),
        (f"{FROM_OFFICE}: {{Leeds: 1, London: 2, abroad: 30}}", "holds the value 30, which its domain does not"),
        (f"{FROM_OFFICE}: {{Leeds: x, London: 2, abroad: 3}}", "values=.*: Could not convert 'x'"),
        (f"{FEW}, follows: office, equals: price", "follows and equals; one of them"),
        (f"{FEW}, equals: price +", "a column name is expected"),
        (f"{FEW}, equals: office", "it adds up numbers only"),
        ("kind: category, levels: private", "levels=private; other=NAME is needed"),
        ("kind: category, levels: privat, other: rest", "levels=privat; a list, or private"),
        ("kind: category, levels: private, other: rest, type: int64", "levels=private with type=int64"),
        (f"{FEW}, edges: quantiles", "edges=quantiles; a list, or private"),
        ("kind: datetime, low: 2020-01-01", "low and high are needed"),
        ("kind: datetime, low: 2020, high: 2021", "2020 is not a date"),
        ("kind: datetime, low: 2020-01-01, high: soon", "Invalid isoformat string: 'soon'"),
        ("kind: datetime, low: 2020-01-02, high: 2020-01-01", "low must be below high"),
        ("kind: datetime, low: 2020-01-01, high: 2021-01-01, type: int64", "a time is a date or a timestamp"),
        ("kind: datetime, low: 2020-01-01, high: 2021-01-01, edges: [2022-01-01]", "they must ascend within"),
    ],
)
def test_what_does_not_fit_together_is_refused(column: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(f"{FOLLOWING}  new: {{{column}}}\n")
    with pytest.raises(UserError, match=f"column 'new'.*{said}"):
        Domain.read(tmp_path / "d.yaml")
