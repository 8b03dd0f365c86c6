"""Names of columns and files on the command line: as typed, or one line with the spelling that works."""

import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from gans.cli.arguments import listed
from gans.comparison.sources import read_runs
from gans.config.compose import compose, read_overrides
from gans.config.names import decoded, encoded, shell_quoted, split_list
from gans.config.stored import read_run, resumed, to_yaml
from gans.errors import UserError
from gans.sweeps.records import Job
from gans.sweeps.space import read_space

TABLE = ["data=table"]


def value_of(override: str, *beside: str) -> Any:
    """What the key of an override holds in the composed run."""
    value: Any = compose([*TABLE, *beside, override])
    for name in override.partition("=")[0].split(".")[:2]:
        value = getattr(value, name)
    return value


def as_hydra_reads(override: str) -> Any:
    """The value of an override without the rest of a run."""
    (spelled,) = read_overrides([override])
    return OverridesParser.create().parse_override(spelled).value()


@pytest.mark.parametrize(
    "name",
    [
        "客户.csv",
        "year=2024.csv",
        "march,april.csv",
        "my file (1).csv",
        "[a].csv",
        "[a]",
        "{a}.csv",
        "it's.csv",
        '"quoted.csv',
        "a~b$.csv",
        "~/a:b.csv",
        "größe#1;&|!?.csv",
        "null, and void.csv",
    ],
)
def test_a_path_is_taken_as_typed(name: str) -> None:
    assert as_hydra_reads(f"data.path={name}") == name


@pytest.mark.parametrize("value", ["城市", "first name", "a.b", "a=b", "x,y", "2019", "1e3", "007", "True", "1_000"])
def test_a_column_or_folder_is_taken_as_typed(value: str) -> None:
    assert as_hydra_reads(f"data.target={value}") == value
    assert as_hydra_reads(f"run_dir=runs/{value}") == f"runs/{value}"


def test_what_means_something_to_hydra_keeps_its_meaning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TABLES", "tables/2024")
    assert as_hydra_reads("data.path='my file.csv'") == "my file.csv"
    assert value_of("data.path=${oc.env:TABLES}/a.csv") == "tables/2024/a.csv"
    assert as_hydra_reads(r"data.path=march\,april.csv") == "march,april.csv"
    assert as_hydra_reads("run_dir=null") is None


NAMES = ["größe", "first name", "a.b", "a=b", "a, b", "x[0]", "f(x,y)", "{z}", "it's", '"q"', "${x}", "~t$", "2019"]


def test_names_in_keys_are_taken_as_typed() -> None:
    overrides = [f"data.kinds.{name}=category" for name in NAMES]
    assert compose([*TABLE, *overrides]).data.kinds == dict.fromkeys(NAMES, "category")


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("{größe: category, first name: integer}", {"größe": "category", "first name": "integer"}),
        ("{'a, b': numeric, c:d: category}", {"a, b": "numeric", "c:d": "category"}),
        ("{a.b: category}", {"a.b": "category"}),
        ("{2019: integer, a=b: category}", {"2019": "integer", "a=b": "category"}),
    ],
)
def test_a_dictionary_of_names(text: str, kinds: dict[str, str]) -> None:
    assert value_of(f"data.kinds={text}") == kinds


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("[城市,größe]", ["城市", "größe"]),
        ("[first name, größe]", ["first name", "größe"]),
        ("['a, b',größe]", ["a, b", "größe"]),
        ("[f(x,y),x[0]]", ["f(x,y)", "x[0]"]),
        ("[2019,1e3,true,null]", ["2019", "1e3", "true", "null"]),
        ("[]", []),
    ],
)
def test_a_list_of_names(text: str, names: list[str]) -> None:
    assert as_hydra_reads(f"data.drop={text}") == names
    assert as_hydra_reads(f"condition.columns={text}") == names
    assert listed(text) == names


def test_a_composed_run_has_them() -> None:
    lists = ["data.drop=[城市,2019]", "condition.columns=[first name,größe]", "data.target=城市"]
    run: Any = compose([*TABLE, "condition=labels", "data.path=a=b, 客户.csv", *lists])
    assert (run.data.path, run.data.target) == ("a=b, 客户.csv", "城市")
    assert (run.data.drop, run.condition.columns) == (["城市", "2019"], ["first name", "größe"])


def test_relations_are_taken_with_and_without_quotes() -> None:
    assert as_hydra_reads('data.relations=["a.b <= größe"]') == ["a.b <= größe"]
    assert as_hydra_reads("data.relations=[auto, `a, b` <= größe]") == ["auto", "`a, b` <= größe"]


def test_names_of_events() -> None:
    overrides = [
        "data.columns.orders.customer=Kunden-Nr",
        'data.columns.orders.time="Best. am"',
        "data.features.lines.große Käufe=sum(amount) filter (amount = 3)",
        "data.features.profile={a b: max(x, y)}",
    ]
    data: Any = compose(["data=profiles", *overrides]).data
    assert data.columns == {"orders": {"customer": "Kunden-Nr", "time": '"Best. am"'}}
    assert data.features == {
        "lines": {"große Käufe": "sum(amount) filter (amount = 3)"},
        "profile": {"a b": "max(x, y)"},
    }


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.drop=größe", 'data.drop=größe: a list is needed, as in "data.drop=[größe]".'),
        ("data.drop=first name", 'a list is needed, as in "data.drop=[first name]".'),
        ("data.kinds={größe}", "data.kinds={größe}: größe is not NAME: VALUE."),
        ("data.kindz.größe=category", "unknown key data.kindz;"),
        (
            "data.columns.orders.große Zahl=1",
            "key data.columns does not belong to the chosen data; it belongs to data=histories, profiles, ",
        ),
        ("data.formatz.größe=x", "unknown key data.formatz;"),
        ("data.drops=[größe]", "unknown key data.drops;"),
        ("trainer.steps=größe", "trainer.steps=größe: a value of type int is needed."),
        ("data.path=a${b}.csv", "data.path: Interpolation key 'b' not found"),
        (r"data.path=a\${b}.csv", "data.path=a${b}.csv: '${' begins an interpolation"),
        ("größe", "größe: KEY=VALUE is meant, as in +experiment=cgan or trainer.steps=1000."),
        ("tabular", "tabular: not KEY=VALUE. Did you mean +experiment=tabular?"),
        ("data.sep=;", "unknown key data.sep. Did you mean 'data.delimiter'?"),
        ("data.separator=;", "unknown key data.separator. Did you mean 'data.delimiter'?"),
        ("customers.csv", "customers.csv: not KEY=VALUE. Did you mean data.path=customers.csv?"),
        ("data=customers.csv", "A file is data.path=customers.csv."),
    ],
)
def test_what_cannot_be_taken_is_one_line(override: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        compose([*TABLE, override])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "__utf8" not in str(caught.value)


def test_the_spelling_that_is_shown_works() -> None:
    with pytest.raises(UserError) as caught:
        compose([*TABLE, "data.drop=it's"])
    (argument,) = shlex.split(str(caught.value).partition("as in ")[2].removesuffix("."))
    assert value_of(argument) == ["it's"]


def test_in_a_multirun_a_comma_is_a_sweep_but_for_a_file_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_overrides(["data.path=a.csv,b.csv"], multirun=True) == ["data.path=a.csv,b.csv"]
    assert read_overrides(["data.path=ä.csv,ö.csv"], multirun=True) == ["data.path='ä.csv','ö.csv'"]
    assert read_overrides(["data.drop=[ä],[b c]"], multirun=True) == ["data.drop=['ä'],['b c']"]
    Path("march,april.csv").touch()
    with pytest.raises(UserError) as caught:
        read_overrides(["data.path=march,april.csv"], multirun=True)
    (argument,) = shlex.split(str(caught.value).partition("write ")[2].removesuffix("."))
    assert read_overrides([argument], multirun=True) == ["data.path='march,april.csv'"]
    assert value_of(argument) == "march,april.csv"


def test_overrides_that_were_read_are_read_again_as_they_are() -> None:
    overrides = [f"data.kinds.{name}=category" for name in NAMES] + ["data.path=it's, (1) [ü].csv", "data.drop=[ä,b]"]
    once = read_overrides(overrides)
    assert read_overrides(once) == once


def test_a_search_over_a_name() -> None:
    (dimension,), fixed = read_space(["data.kinds.a=b=choice(category,integer)", "data.path=客户.csv"])
    assert (dimension.key, dimension.choices) == ("data.kinds.a=b", ("category", "integer"))
    assert fixed == ["data.path='客户.csv'"]
    assert Job(0, ["++data.kinds.a=b=category"]).values == {"data.kinds.a=b": "category"}


def test_a_run_with_such_names_is_read_back_and_resumed(tmp_path: Path) -> None:
    kinds = [f"data.kinds.{name}=category" for name in NAMES]
    given = [*TABLE, *kinds, "data.drop=[城市,null]", "data.target=2019", "data.path=a=b, (1).csv"]
    run = compose([*given, "run_dir=runs/ü=1"])
    (tmp_path / "config.yaml").write_text(to_yaml(run), encoding="utf-8")
    stored = read_run(tmp_path / "config.yaml")
    assert stored == run
    again = read_overrides(["run_dir=runs/ü=1", "trainer.resume=true", "trainer.steps=7", *kinds])
    assert resumed(stored, compose(again), again).data.kinds == dict.fromkeys(NAMES, "category")
    other = read_overrides(["trainer.resume=true", "data.kinds.a=b=integer"])
    with pytest.raises(UserError, match=r"^data\.kinds\.a=b=integer: .* with data\.kinds\.a=b=category;"):
        resumed(stored, compose(other), other)


@pytest.mark.parametrize("name", [*NAMES, "", "客户"])
def test_an_encoded_name_comes_back(name: str) -> None:
    assert decoded(encoded(name)) == name
    assert encoded("zip-code") == "zip-code"


def test_arguments_of_other_commands() -> None:
    assert listed("a, 'b, c' ,[d]") == ["a", "b, c", "[d]"]
    assert listed("[first name,größe]") == ["first name", "größe"]
    assert listed("") == listed("[]") == []
    assert split_list("{a: 1, b: f(x, y)}"[1:-1]) == ["a: 1", "b: f(x, y)"]
    for argument in ("run=a", "run=a b", "run=it's", 'run="$x"'):
        assert shlex.split(shell_quoted(argument)) == [argument]


def test_runs_of_a_folder_with_signs(tmp_path: Path) -> None:
    for name in ("a,b", "c"):
        (tmp_path / name).mkdir()
    for pattern in (f"{tmp_path}/a,b", f"'{tmp_path}/a,b',{tmp_path}/c"):
        with pytest.raises(UserError, match=f"^runs={tmp_path}/a,b: no run directory there"):
            read_runs(pattern)


def test_a_run_directory_that_checkpoints_cannot_be_written_below_is_refused(tmp_path: Path) -> None:
    from gans.runs.directory import check_run_directory

    check_run_directory(compose([f"run_dir={tmp_path}/a=b, (c) ü"]))
    with pytest.raises(UserError, match=r"checkpoints cannot be written below a name with \[c\]"):
        check_run_directory(compose([f"run_dir={tmp_path}/[c]/run"]))


@pytest.mark.slow
def test_a_run_with_such_names_from_end_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gans import evaluate, sample, train

    monkeypatch.chdir(tmp_path)
    random = np.random.default_rng(0)
    names = ["城市", "größe", "first name", "a.b", "a=b", 'it\'s "q", {z}', "${x}", "~t`k$"]
    table = pa.table({name: random.integers(0, 5, 200) for name in names})
    pyarrow.csv.write_csv(table, "客户=1, (a).csv")
    kinds = [f"kinds.{name}=category" for name in names[:-1]]

    def call(command: Any, *arguments: str) -> None:
        assert command.run(arguments) == 0

    small = ["trainer.steps=4", "trainer.block=2", "trainer.batch_size=20", "tracker.mode=disabled"]
    given = ["data=table", "data.path=客户=1, (a).csv", "data.target=城市", "data.drop=[~t`k$]", "run_dir=runs/a=b, ü"]
    given += ["condition.columns=[城市,first name]", *map("data.{}".format, kinds)]
    call(train.command, "+experiment=cgan", *given, *small)
    call(
        sample.command,
        "run=runs/a=b, ü",
        "n=50",
        "out=ü, 1.csv",
        "where=`first name` == 3 and `a.b` >= 2 and 城市 == 1",
    )
    drawn = pyarrow.csv.read_csv("ü, 1.csv")
    assert drawn.column_names == names[:-1]
    assert set(drawn["first name"].to_pylist()) == {3}
    assert set(drawn["a.b"].to_pylist()) <= {2, 3, 4}
    files = ["real=客户=1, (a).csv", "synthetic=runs/a=b, ü/samples.parquet", "out=judged ü"]
    call(evaluate.command, *files, "metrics=fast", "target=城市", "secrets=[first name]", "drop=[~t`k$]", *kinds)
    assert Path("judged ü/evaluation.json").is_file()
