"""A declared domain: read, refused, and the way from values to cells and back."""

import shlex
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest

from gans.data.declared import Declared
from gans.data.detection import detect, normalise
from gans.data.domain import SHIPPED, Domain
from gans.data.domain_draft import draft_domain
from gans.data.embedded import Charity, Households
from gans.data.layout import Encoded
from gans.domain import HEAD, command
from gans.errors import UserError

TABLE = pa.table(
    {
        "plan": ["basic", "gold", None, "basic"],
        "age": pa.array([18, 40, 41, 90], pa.int64()),
        "paid": pa.array([0.0, 12.5, 99.99, 100.0]),
        "active": [True, False, True, True],
    }
)
COLUMNS: dict[str, dict[str, Any]] = {
    "plan": {"kind": "category", "levels": ["basic", "gold"], "missing": True},
    "age": {"kind": "integer", "low": 18, "high": 90, "points": [40], "edges": [30, 50]},
    "paid": {"kind": "numeric", "low": 0, "high": 100, "points": [0], "bins": 4, "decimals": 2},
    "active": {"kind": "boolean"},
}


def domain(**changed: dict[str, Any]) -> Domain:
    columns = {name: {**of, **changed.get(name, {})} for name, of in COLUMNS.items()}
    return Domain([Declared(name=name, **of) for name, of in columns.items()])


def cells(declared: Domain, table: pa.Table) -> dict[str, list[int]]:
    codec = declared.codec()
    codes = declared.encode(table, codec).codes
    return {fitted.column.name: codes[:, fitted.code].tolist() for fitted in codec.columns}


def test_values_fall_into_the_cells_that_are_declared() -> None:
    assert cells(domain(), TABLE) == {
        "plan": [0, 1, 2, 0],
        "age": [0, 4, 2, 3],  # 18 to 29, 30 to 39, 41 to 49, 50 to 90, 40
        "paid": [4, 0, 3, 3],
        "active": [1, 0, 1, 1],
    }


@pytest.mark.parametrize(
    ("name", "table"), [("households", Households().read()), ("charity", Charity().read()), ("", TABLE)]
)
def test_cells_give_values_that_fall_into_them(name: str, table: pa.Table) -> None:
    declared = Domain.read(SHIPPED / f"{name}.yaml") if name else domain()
    codec, table = declared.codec(), normalise(table)
    encoded = declared.encode(table, codec)
    within = np.random.default_rng(0).uniform(-0.99, 0.99, encoded.scalars.shape).astype(np.float32)
    back = codec.decode(Encoded(within, encoded.codes))
    assert back.schema.types == table.schema.types
    assert (declared.encode(back, codec).codes != encoded.codes).mean() < 1e-3  # decimals may round out of a bin
    assert [array.null_count for array in back.columns] == [array.null_count for array in table.columns]


def test_a_domain_comes_back_from_its_file(tmp_path: Path) -> None:
    domain().write(tmp_path / "d.yaml")
    assert Domain.read(tmp_path / "d.yaml") == domain()


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_domains_say_where_they_are_from(path: Path) -> None:
    found = Domain.read(path)
    assert found.source
    assert max(found.codec().layout.cardinalities) <= 64


def test_a_level_that_is_not_declared_becomes_the_other_one() -> None:
    table = TABLE.set_column(0, "plan", [["silver", "gold", "bronze", "basic"]])
    assert cells(domain(plan={"other": "rest"}), table)["plan"] == [2, 1, 2, 0]


@pytest.mark.parametrize(
    ("name", "values", "said"),
    [
        (
            "plan",
            ["silver"] * 4,
            "column 'plan' holds the level 'silver', which its domain does not declare; see levels",
        ),
        ("age", [17, 40, 41, 90], "column 'age' holds the value 17, which its domain does not declare; see low=18"),
        ("age", [18, None, 41, 90], "column 'age' holds a missing value, .* see missing: true"),
        ("paid", [0.0, 1.0, 2.0, 100.01], "column 'paid' holds the value 100.01"),
        ("active", ["yes", "no", "yes", "perhaps"], "column 'active' holds values of type string"),
    ],
)
def test_what_is_not_declared_is_refused(name: str, values: list[Any], said: str) -> None:
    table = TABLE.set_column(TABLE.column_names.index(name), name, [values])
    with pytest.raises(UserError, match=said):
        cells(domain(), table)


def test_columns_must_be_those_of_the_table() -> None:
    with pytest.raises(UserError, match="column 'plan' is declared and not in the table; the table has age"):
        cells(domain(), TABLE.drop_columns(["plan"]))
    with pytest.raises(UserError, match=r"column .zip. is not declared .drop or data.drop leaves it out.; declared"):
        cells(domain(), TABLE.append_column("zip", [["1"] * 4]))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "it needs columns"),
        ("columns: []", "it needs columns"),
        ("columns: {a: 7}", "column 'a': {kind: ...} is needed"),
        ("columns: {a: {kind: text}}", "column 'a': kind=text; allowed are category"),
        ("columns: {a: {kind: integer, low: 3}}", "column 'a': low and high are needed; bounds are declared, not read"),
        ("columns: {a: {kind: integer, low: 3, high: 3}}", "low must be below high"),
        ("columns: {a: {kind: numeric, low: 0, high: .inf}}", "low must be below high"),
        ("columns: {a: {kind: numeric, low: a, high: b}}", "column 'a': "),
        ("columns: {a: {kind: integer, low: 0, high: 9, edges: [5, 2]}}", "edges=.* must ascend within 0 to 9"),
        ("columns: {a: {kind: integer, low: 0, high: 9, points: [11]}}", "points=.* must ascend within 0 to 9"),
        ("columns: {a: {kind: integer, low: 0, high: 9, bins: 0}}", "bins=0; at least 1"),
        ("columns: {a: {kind: numeric, low: 0, high: 9, bins: 1}}", "it has one cell; more bins, edges or points"),
        (
            "columns: {a: {kind: integer, low: 0, high: 1, points: [0, 1]}}",
            "are all its values; declare them as levels",
        ),
        ("columns: {a: {kind: category, levels: [yes, no]}}", "yes, no, on and off without quotes are truth values"),
        ("columns: {a: {kind: category, levels: [1, two]}}", "column 'a': type=string: "),
        ("columns: {a: {kind: category, levels: [a, b], type: words}}", "column 'a': type=words: "),
        ("columns: {a: {kind: integer, low: 0, high: 9, type: number}}", "column 'a': type=number: "),
        ("columns: {a: {kind: integer, low: 0, high: 9, bins: many}}", "column 'a': "),
        ("columns: {a: {kind: category}}", "levels=.*; two or more are needed"),
        ("columns: {a: {kind: category, levels: [x, x]}}", "levels=.*; two or more are needed, each once"),
        ("columns: {a: {kind: category, levels: [x, y], colour: red}}", "colour: no such key; allowed are kind"),
        ("draft: true\ncolumns: {a: {kind: boolean}}", "it is a draft, read off the rows"),
        ("drop: a\ncolumns: {a: {kind: boolean}}", "drop: a; a list of columns is needed"),
        ("drop: [a]\ncolumns: {a: {kind: boolean}}", "drop: column 'a' is declared, too"),
        ("columns: {a: [", "not a domain|YAML|a domain"),
    ],
)
def test_a_declaration_that_is_none_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "d.yaml").write_text(text)
    with pytest.raises(UserError, match=said):
        Domain.read(tmp_path / "d.yaml")


@pytest.mark.parametrize(
    "table", [Households().read(), Charity().read(), TABLE], ids=["households", "charity", "small"]
)
def test_a_draft_holds_the_rows_and_is_refused_until_a_person_has_seen_it(table: pa.Table, tmp_path: Path) -> None:
    table = normalise(table)
    drafted = draft_domain(table, detect(table))
    drafted.write(tmp_path / "d.yaml", HEAD)
    with pytest.raises(UserError, match="it is a draft, read off the rows; replace what is not public"):
        Domain.read(tmp_path / "d.yaml")
    (tmp_path / "d.yaml").write_text((tmp_path / "d.yaml").read_text().replace("draft: true\n", ""))
    again = Domain.read(tmp_path / "d.yaml")
    codec = again.codec()
    encoded = again.encode(table, codec)  # no value is outside
    assert [column.name for column in again.columns] == table.column_names
    counts = [np.bincount(encoded.codes[:, fitted.code], minlength=fitted.cardinality) for fitted in codec.columns]
    assert table.num_rows < 100 or all((count > 0).mean() > 0.5 for count in counts)


def test_a_draft_of_times_reaches_over_whole_years() -> None:
    table = normalise(TABLE.append_column("born", [pa.array([0, 400, 800, 1_200], pa.date32())]))
    born = draft_domain(table, detect(table)).columns[-1]
    assert (born.kind, born.low, born.high) == ("datetime", date(1970, 1, 1), date(1973, 12, 31))


def test_a_private_draft_leaves_levels_and_edges_to_the_run() -> None:
    table = normalise(Households().read())
    drafted = draft_domain(table, detect(table), private=True)
    assert {column.paid for column in drafted.columns if column.type == "string"} == {"levels"}
    assert {column.paid for column in drafted.columns if column.number} == {"edges"}


BANK = {
    "Row": range(1, 101),
    "Tenure": [3] * 50 + [1] * 30 + [7] * 15 + [0] * 5,
    "Plan": ["small"] * 60 + ["large"] * 30 + ["basic"] * 10,
    "Band": ["10 to 20"] * 60 + ["5 to 10"] * 40,
    "Balance": [0.0] * 36 + [100.5 + 10 * row for row in range(64)],
    "Orders": [0] * 40 + list(range(1, 61)),
    "Bank": ["ours"] * 100,
}


@pytest.mark.parametrize("private", [False, True])
def test_a_draft_counts_frequent_values_by_themselves_and_says_nothing_of_how_frequent_levels_are(
    private: bool,
) -> None:
    table = normalise(pa.table(BANK))
    drafted = draft_domain(table, detect(table), private)
    columns = {column.name: column for column in drafted.columns}
    assert (columns["Balance"].points, columns["Orders"].points) == ([0.0], [0])
    assert columns["Tenure"].levels == [0, 1, 3, 7]
    if not private:
        assert columns["Plan"].levels == ["basic", "large", "small"]
        assert columns["Band"].levels == ["5 to 10", "10 to 20"]
    assert drafted.drop == ["Row", "Bank"]
    with pytest.raises(UserError, match="column 'Row' is not declared"):
        drafted.check_names(table)
    drafted.check_names(drafted.without_dropped(table))


def test_the_command_says_what_it_leaves_out_and_how_to_train(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    pyarrow.csv.write_csv(pa.table(BANK), "bank table.csv")
    command.run(["data.path=bank table.csv", "out=columns.yaml", "private=true"])
    said = capsys.readouterr().err.splitlines()
    assert "left out: column 'Row', every value is distinct, and they follow each other" in said
    assert "left out: column 'Bank', it is constant, 'ours'" in said
    train = ["+experiment=dp_marginals", "privacy.epsilon=1", "data.path=bank table.csv"]
    assert shlex.split(said[-1]) == ["gans", "train", *train, "privacy.domain=columns.yaml"]
    draft = Path("columns.yaml").read_text()
    command.run(["data.path=bank table.csv", "out=columns.yaml"])  # a draft may be drafted again
    reviewed = draft.replace("draft: true\n", "")
    Path("columns.yaml").write_text(reviewed)
    with pytest.raises(UserError, match=r"out=columns.yaml: the file is there and is no draft .*; choose another file"):
        command.run(["data.path=bank table.csv", "out=columns.yaml"])
    assert Path("columns.yaml").read_text() == reviewed
    assert Domain.read(Path("columns.yaml")).drop == ["Row", "Bank"]


TIMES = {
    "born": {"kind": "datetime", "low": date(2020, 1, 1), "high": date(2020, 12, 31), "bins": 12},
    "seen": {"kind": "datetime", "low": date(2020, 1, 1), "high": "2020-01-02 00:00:00", "edges": ["2020-01-01T12:00"]},
    "day": {"kind": "datetime", "type": "timestamp[s]", "low": date(2020, 1, 1), "high": date(2020, 1, 1), "bins": 24},
}


def test_times_are_counted_in_days_or_in_seconds() -> None:
    declared = Domain([Declared(name=name, **of) for name, of in TIMES.items()])
    assert [column.type for column in declared.columns] == ["date32[day]", "timestamp[us]", "timestamp[s]"]
    born = pa.array([date(2020, 1, 1), date(2020, 2, 29), date(2020, 12, 31)])
    seen = pa.array([datetime(2020, 1, 1, 11, 59, 59, 900_000), datetime(2020, 1, 1, 12), datetime(2020, 1, 2)])
    day = pa.array([datetime(2020, 1, 1), datetime(2020, 1, 1, 1), datetime(2020, 1, 1, 23, 59, 59)], pa.timestamp("s"))
    table = pa.table({"born": born, "seen": seen, "day": day})
    assert cells(declared, table) == {"born": [0, 1, 11], "seen": [0, 1, 1], "day": [0, 1, 23]}
    codec = declared.codec()
    encoded = declared.encode(table, codec)
    back = codec.decode(encoded)
    assert back["born"].to_pylist() == born.to_pylist()
    assert back["day"].to_pylist() == day.to_pylist()
    assert [one.replace(microsecond=0) for one in seen.to_pylist()] == back["seen"].to_pylist()
    assert declared.columns[0].bins_in_words()[0] == "2020-01-01 to 2020-01-30"
    for name, value in (("born", date(2021, 1, 1)), ("seen", datetime(2019, 12, 31)), ("day", datetime(2020, 1, 2))):
        with pytest.raises(UserError, match=f"column '{name}' holds the value {value:%Y-%m-%d}"):
            cells(declared, table.set_column(table.column_names.index(name), name, [[value] * 3]))
