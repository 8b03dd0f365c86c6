"""Mistakes of a user: status 2, one line that names the key and the value, no traceback, nothing half written."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

TABLE = ("data=table", "data.path={inputs}/table.parquet", "+debug=limit", "trainer.batch_size=50")
CGAN = (*TABLE, "condition=labels")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, inputs: Path, finished: Any) -> Path:
    """Tables and runs with faults."""
    folder = tmp_path_factory.mktemp("faults")
    shutil.copy(inputs / "table.parquet", folder)
    (folder / "more").mkdir()
    (folder / "empty.csv").write_text("")
    (folder / "old.xls").write_bytes(b"\xd0\xcf\x11\xe0")
    (folder / "header.csv").write_text("age,income\n")
    (folder / "one.csv").write_text("age,income\n40,3.5\n")
    (folder / "text.parquet").write_text("age,income\n40,3.5\n")
    (folder / "table.xlsx").write_text("")
    rng = np.random.default_rng(1)
    pq.write_table(pa.table({"age": rng.normal(size=50), "rate": [np.inf, *range(49)]}), folder / "infinite.parquet")
    pq.write_table(
        pa.table({"rate": rng.normal(size=50), "cost": rng.normal(size=50)}), folder / "more" / "infinite_free.parquet"
    )
    pq.write_table(pa.table({"age": [1] * 50}), folder / "constant.parquet")
    pq.write_table(pa.table({"shop": ["a"] * 50, "cost": rng.normal(size=50)}), folder / "more" / "shop.parquet")
    (folder / "more" / "empty.npy").write_bytes(b"")
    np.save(folder / "more" / "images.npy", np.full((4, 8, 8), 255.0))
    other = pq.read_table(folder / "table.parquet")
    other = other.set_column(1, "age", pa.array(rng.permutation(other["age"].to_numpy())))
    pq.write_table(other, folder / "other.parquet")
    for name in ("run", "codec", "condition", "marginals", "schema", "yaml", "empty", "checkpoints", "elsewhere"):
        shutil.copytree(finished.path, folder / name)
    config = folder / "elsewhere" / "config.yaml"
    config.write_text(config.read_text().replace("table.parquet", "bank.parquet").replace(str(finished.path), "bank"))
    (folder / "codec" / "checkpoints" / "codec.npz").write_bytes(b"not a codec")
    (folder / "condition" / "checkpoints" / "condition.npz").write_bytes(b"PK\x03\x04 cut off")
    (folder / "marginals" / "checkpoints" / "marginals.npz").write_bytes(b"PK\x03\x04 cut off")
    (folder / "schema" / "schema.json").write_text('{"columns": [{"name": "age"}]}')
    (folder / "yaml" / "config.yaml").write_text("seed: !!python/object/apply:os.getcwd []\n")
    for step in (10, 20):
        shutil.rmtree(folder / "empty" / "checkpoints" / str(step))
        for path in (folder / "checkpoints" / "checkpoints" / str(step)).rglob("*"):
            if path.is_file():
                path.write_bytes(b"damaged")
    return folder


def state(folder: Path) -> dict[Path, tuple[int, int]]:
    """Size and time of each file."""
    return {path: ((stat := path.stat()).st_size, stat.st_mtime_ns) for path in folder.rglob("*")}


def train(id: str, *arguments: str, said: tuple[str, ...]) -> Any:
    return pytest.param("train", arguments, said, id=f"train {id}")


def sample(id: str, *arguments: str, said: tuple[str, ...], **changed: str | None) -> Any:
    usual = {"run": "{inputs}/run", "n": "10", "out": "out.csv"} | changed
    given = [f"{key}={value}" for key, value in usual.items() if value is not None]
    return pytest.param("sample", (*given, *arguments), said, id=f"sample {id}")


def evaluate(id: str, *arguments: str, said: tuple[str, ...], **changed: str) -> Any:
    usual = {"real": "{inputs}/table.parquet", "synthetic": "{inputs}/other.parquet"} | changed
    return pytest.param("evaluate", (*(f"{k}={v}" for k, v in usual.items()), *arguments), said, id=f"evaluate {id}")


def compare(id: str, *arguments: str, said: tuple[str, ...]) -> Any:
    return pytest.param("compare", arguments, said, id=f"compare {id}")


MISTAKES = [
    train("experiment", "+experiment=cgn", said=("+experiment=cgn", "vanilla", "Did you mean 'cgan'?")),
    train("key", "trainer.step=10", said=("trainer.step", "trainer.steps", "Did you mean")),
    train("group key", "trianer.steps=10", said=("trianer", "Did you mean 'trainer'?")),
    train("type", "trainer.steps=many", said=("trainer.steps", "'many'", "Integer")),
    train("range", "trainer.steps=0", said=("trainer.steps=0", "at least 1")),
    train("nan", "optimizer.learning_rate=nan", said=("optimizer.learning_rate=nan", "more than 0")),
    train("seed", "seed=-1", said=("seed=-1", "at least 0")),
    train("objective", "objective=hinged", said=("objective=hinged", "minimax", "wasserstein")),
    train("network", "network=mpl", said=("network=mpl", "Did you mean 'mlp'?")),
    train("penalty", "penalty=[gradient_penalti]", said=("penalty=gradient_penalti", "Did you mean")),
    train(
        "penalty not taken",
        "objective=minimax",
        "penalty=[gradient_penalty]",
        said=("penalty=[gradient_penalty]", "objective=minimax", "allowed are none"),
    ),
    train("penalty missing", "objective=wasserstein", said=("penalty=[]", "needs one of gradient_penalty")),
    train("penalty weight", "penalty=[gradient_penalty]", "penalty.gradient_penalty.weight=-1", said=("weight=-1",)),
    train("no KEY=VALUE", "trainer.steps", said=("trainer.steps", "KEY=VALUE", "+experiment=cgan")),
    train(
        "unclosed list", "condition.columns=[age", said=("condition.columns=[age:", 'as in "condition.columns=[age]"')
    ),
    train("sweep without -m", "seed=0,1", said=("seed=0,1",)),
    train("placement", "trainer.placement=tpu", said=("trainer.placement=tpu", "sharded")),
    train("tracker mode", "tracker.mode=of", said=("tracker.mode=of", "offline")),
    train("no path", "data=table", said=("data.path is not set",)),
    train("file", "data=table", "data.path={inputs}/no.csv", said=("data.path={inputs}/no.csv", "table.parquet")),
    train(
        "suffix", "data=table", "data.path={inputs}/old.xls", said=("old.xls", ".parquet", "Save the workbook as .xlsx")
    ),
    train(
        "folder",
        "data.path={inputs}/more",
        said=("data.path={inputs}/more: it is a folder; a file is needed; its tables are infinite_free.parquet, ",),
    ),
    train("sheet", "data.path={inputs}/header.csv", "data.sheet=A", said=("data.sheet", "is no Excel workbook")),
    train(
        "parquet", "data=table", "data.path={inputs}/text.parquet", said=("data.path={inputs}/text.parquet", "Parquet")
    ),
    train("empty csv", "data=table", "data.path={inputs}/empty.csv", said=("empty", "0 rows")),
    train("header only", "data=table", "data.path={inputs}/header.csv", said=("empty", "0 rows")),
    train("one row", "data=table", "data.path={inputs}/one.csv", said=("1 rows", "at least 4")),
    train("infinite", "data=table", "data.path={inputs}/infinite.parquet", said=("column 'rate'", "infinite")),
    train("constant", "data=table", "data.path={inputs}/constant.parquet", said=("no column is left to learn", "age")),
    train("SQL", "data=sql", "data.query='selec 1'", said=("data.query", "selec")),
    train("SQL table", "data=sql", "data.query='select * from nowhere'", said=("data.query", "nowhere")),
    train("no query", "data=sql", said=("data.query is not set",)),
    train("database", "data=sql", "data.query='select 1'", "data.database=no.db", said=("data.database=no.db",)),
    train("no root", "data=churn", said=("data.root is not set", "churn.parquet")),
    train("root", "data=churn", "data.root={inputs}", said=("data.root={inputs}/churn.parquet", "no such file")),
    train("no condition", *CGAN, said=("condition.columns is empty",)),
    train("condition", *CGAN, "condition.columns=[segmnt]", said=("'segmnt'", "income", "Did you mean 'segment'?")),
    train("condition dropped", *CGAN, "condition.columns=[age]", "data.drop=[age]", said=("'age'", "learned")),
    train("kinds column", *TABLE, "data.kinds.agee=category", said=("data.kinds", "'agee'", "Did you mean 'age'?")),
    train("kinds kind", *TABLE, "data.kinds.age=catgory", said=("data.kinds.age=catgory", "Did you mean 'category'?")),
    train("kinds values", *TABLE, "data.kinds.segment=numeric", said=("data.kinds.segment=numeric", "string")),
    train("kinds whole", *TABLE, "data.kinds.income=integer", said=("data.kinds.income=integer", "not whole")),
    train("drop", *TABLE, "data.drop=[agee]", said=("data.drop", "'agee'", "Did you mean 'age'?")),
    train(
        "all dropped",
        *TABLE,
        "data.drop=[segment,age,income,balance,member,since,visits]",
        said=("no column is left to learn", "data.drop names it"),
    ),
    train(
        "nothing to generate",
        *CGAN,
        "data.drop=[age,income,balance,member,since,visits]",
        "condition.columns=[segment]",
        said=("condition.columns=['segment']", "no column is left to generate"),
    ),
    train("pack", *TABLE, "network=ctgan", "trainer.batch_size=55", said=("trainer.batch_size=55", "network.pack=10")),
    train("limit", *TABLE, "data.limit=3", said=("data.limit=3", "at least 4")),
    train("run_dir not empty", *TABLE, "run_dir={inputs}", said=("run_dir={inputs}", "not empty", "trainer.resume")),
    train("run_dir a file", *TABLE, "run_dir={inputs}/one.csv", said=("run_dir={inputs}/one.csv",)),
    train("run_dir under a file", *TABLE, "run_dir={inputs}/one.csv/x", said=("run_dir={inputs}/one.csv/x", "made")),
    train("run_dir in /proc", *TABLE, "run_dir=/proc/gans", said=("run_dir=/proc/gans", "cannot be made")),
    train("resume without run_dir", *TABLE, "trainer.resume=true", said=("run_dir is not set",)),
    train("resume nothing", "trainer.resume=true", "run_dir=no", said=("run_dir=no", "nothing to resume")),
    train(
        "resume contradicted",
        "trainer.resume=true",
        "run_dir={inputs}/run",
        "seed=5",
        said=("seed=5", "was started with seed=0"),
    ),
    train(
        "resume another experiment",
        "+experiment=wgan_gp",
        "trainer.resume=true",
        "run_dir={inputs}/run",
        said=("+experiment=wgan_gp", "was started with name=cgan"),
    ),
    train("resume a damaged config", "trainer.resume=true", "run_dir={inputs}/yaml", said=("config.yaml", "YAML")),
    sample("nothing set", said=("run is not set", "usage"), run=None),
    sample("no n", said=("n is not set",), n=None),
    sample("no out", said=("out is not set",), out=None),
    sample("run", said=("run={inputs}/no", "no such folder"), run="{inputs}/no"),
    sample("no run directory", said=("config.yaml", "no run directory"), run="{inputs}"),
    sample("key", "wher=x", said=("unknown key wher", "Did you mean 'where'?")),
    sample("no KEY=VALUE", "100", said=("100", "KEY=VALUE")),
    sample("key twice", "n=20", said=("n is given twice",)),
    sample("n zero", said=("n=0", "at least 1"), n="0"),
    sample("n no number", said=("n=ten", "whole number"), n="ten"),
    sample("n not whole", said=("n=1.5", "whole number"), n="1.5"),
    sample("n not whole in other words", said=("n=12e-1", "whole number"), n="12e-1"),
    sample("n without end", said=("n=1e999", "whole number"), n="1e999"),
    sample("n above int32", said=("n=3000000000", "at most 2147483648"), n="3e9"),
    *(
        sample(f"part {part}", f"part={part}", said=(f"part={part}:", "K/PARTS", "part=2/8", "n=10"))
        for part in ("0/8", "9/8", "2/0", "x", "2", "-1/8", "1/8/2", "1.0/8", "1/11", "")
    ),
    sample("seed", "seed=-1", said=("seed=-1", "at least 0")),
    sample("out suffix", said=("out=rows.xls", ".csv, .csv.gz", ".parquet, .xlsx"), out="rows.xls"),
    sample("out rows", said=("out=rows.xlsx", "2,000,000 rows", "1,048,575", "part=1/2"), out="rows.xlsx", n="2e6"),
    sample(
        "out new folder", said=("out=new/: it is a folder; a file is written, as in out=new/rows.csv.",), out="new/"
    ),
    sample("out old folder", said=("a file is written, as in out={inputs}/more/rows.csv.",), out="{inputs}/more"),
    sample("out folder", said=("out=no/rows.csv", "no folder no"), out="no/rows.csv"),
    sample("member", "member=1", said=("member=1", "at most 0")),
    sample("where grammar", "where=segment is basic", said=("where", "'null' is needed where 'basic' stands")),
    sample("where sign", "where=age => 40", said=("where", "cannot read '=> 40'")),
    sample("where unquoted", "where=segment == basic", said=("where", "'basic'", "quotes")),
    sample("where nothing", "where=age == 40 and age == 41", said=("age == 40 and age == 41 allows nothing",)),
    sample("where column", "where=sgment == 'basic'", said=("'sgment'", "segment, age", "Did you mean 'segment'?")),
    sample("where value", "where=segment == 'basc'", said=("'basc'", "gold", "Did you mean 'basic'?")),
    sample("where number", "where=income == 5", said=("income == 5", "the training rows hold numbers from")),
    sample("where type", "where=age == 'old'", said=("age == 'old'", "column age holds numbers, and 'old' is text")),
    sample("where bounds", "where=age == 400", said=("age == 400", "the training rows hold whole numbers from")),
    sample("where range", "where=age >= 400", said=("age >= 400", "the training rows hold whole numbers from")),
    sample("where null", "where=age == null", said=("age is null", "no missing value in the training table")),
    sample("relations grammar", "relations=age ? visits", said=("age ? visits", "cannot read")),
    sample("relations column", "relations=agee <= visits", said=("agee <= visits", "Did you mean 'age'?")),
    sample("refine", "refine=no", said=("refine=no", "true, false")),
    sample("damaged codec", said=("codec/checkpoints/codec.npz", "not a readable codec"), run="{inputs}/codec"),
    sample("damaged condition", said=("condition.npz", "not a readable condition"), run="{inputs}/condition"),
    sample("damaged marginals", said=("marginals.npz", "not readable marginals"), run="{inputs}/marginals"),
    sample("damaged schema", said=("schema.json", "not a readable schema"), run="{inputs}/schema"),
    sample("damaged config", said=("yaml/config.yaml", "YAML"), run="{inputs}/yaml"),
    evaluate(
        "columns", synthetic="{inputs}/more/infinite_free.parquet", said=("synthetic", "'segment', 'age'", "rate")
    ),
    evaluate("empty table", synthetic="{inputs}/header.csv", said=("empty", "0 rows")),
    evaluate("test columns", test="{inputs}/more/infinite_free.parquet", said=("test", "columns differ", "'segment'")),
    evaluate("file", synthetic="{inputs}/no.parquet", said=("synthetic={inputs}/no.parquet", "no such file")),
    evaluate("target", target="sgment", said=("target=sgment", "Did you mean 'segment'?")),
    evaluate(
        "target left out", "drop=[segment]", target="segment", said=("target=segment", "left out: data.drop names it")
    ),
    evaluate(
        "target of one class",
        target="shop",
        real="{inputs}/more/shop.parquet",
        test="{inputs}/more/shop.parquet",
        synthetic="{inputs}/more/shop.parquet",
        said=("target=shop", "one value only in the real table"),
    ),
    evaluate("secret", secrets="[agee]", said=("secrets=agee", "Did you mean 'age'?")),
    evaluate("level", metrics="fats", said=("metrics=fats", "standard", "Did you mean 'fast'?")),
    evaluate("kind", "kinds.age=catgory", said=("kinds.age=catgory", "Did you mean 'category'?")),
    evaluate("key", "sed=1", said=("unknown key sed", "real, synthetic")),
    evaluate("draws", "draws=0", said=("draws=0", "at least 1")),
    evaluate("out a file", "out={inputs}/one.csv", said=("out={inputs}/one.csv", "it is a file")),
    evaluate(
        "images", real="{inputs}/more/no.npy", synthetic="{inputs}/more/images.npy", said=("real={inputs}/more/no.npy",)
    ),
    evaluate("image range", real="{inputs}/more/images.npy", synthetic="{inputs}/more/images.npy", said=("in [0, 1]",)),
    evaluate(
        "image key", real="{inputs}/more/images.npy", synthetic="{inputs}/more/images.npy", target="a", said=("target",)
    ),
    evaluate(
        "empty array",
        real="{inputs}/more/empty.npy",
        synthetic="{inputs}/more/images.npy",
        said=("not a readable .npy",),
    ),
    pytest.param(
        "evaluate", ("run={inputs}/run", "drop=[age]"), ("kinds, drop and keep go with real=FILE",), id="evaluate drop"
    ),
    pytest.param("evaluate", ("run={inputs}/run", "n=0"), ("n=0", "at least 1"), id="evaluate n"),
    pytest.param(
        "evaluate",
        ("run={inputs}/run", "real={inputs}/more/shop.parquet"),
        ("real: the columns differ",),
        id="evaluate run and real",
    ),
    pytest.param("evaluate", ("real=x.csv",), ("run is not set", "synthetic=FILE"), id="evaluate no synthetic"),
    pytest.param("evaluate", ("run=nowhere",), ("run=nowhere", "no such folder"), id="evaluate run"),
    pytest.param(
        "evaluate",
        ("run={inputs}/run", "synthetic={inputs}/more/infinite_free.parquet"),
        ("columns differ",),
        id="evaluate run and columns",
    ),
    compare("no runs", "by=experiment", said=("runs is not set",)),
    compare("nothing there", "runs=nowhere*", said=("runs=nowhere*", "no run directory there")),
    compare("one run", "runs={inputs}/run", said=("1 run only", "{inputs}/run", "two or more")),
    compare("one variant", "runs={inputs}/run,{inputs}/codec", said=("by=experiment", "experiment=cgan")),
    compare("by", "runs={inputs}/run,{inputs}/codec", "by=trainer.step", said=("by=trainer.step", "Did you mean")),
    compare("budget", "runs={inputs}/run", "budget=stepz", said=("budget=stepz", "Did you mean 'steps'?")),
    compare(
        "different data",
        "runs={inputs}/run,{inputs}/elsewhere",
        "by=run_dir",
        said=("different data sets", "table", "bank"),
    ),
    sample("no checkpoint", said=("run={inputs}/empty", "no checkpoint"), run="{inputs}/empty"),
]


@pytest.mark.parametrize(("name", "arguments", "said"), MISTAKES)
def test_one_line_says_what_to_do(
    name: str,
    arguments: tuple[str, ...],
    said: tuple[str, ...],
    command: Callable[..., Any],
    folder: Path,
    tmp_path: Path,
) -> None:
    before = state(folder)
    done = command(name, *(argument.replace("{inputs}", str(folder)) for argument in arguments))
    assert done.status == 2
    (line,) = [line for line in done.err.splitlines() if line.startswith("error:")]
    for words in said:
        assert words.replace("{inputs}", str(folder)) in line
    assert "Traceback" not in done.err + done.out
    assert list(tmp_path.rglob("*")) == []
    assert state(folder) == before


def test_there_are_enough_mistakes() -> None:
    assert len({mistake.id for mistake in MISTAKES}) == len(MISTAKES) >= 25


def test_damaged_checkpoints(command: Callable[..., Any], folder: Path, tmp_path: Path) -> None:
    done = command("sample", f"run={folder / 'checkpoints'}", "n=3", "out=out.csv")
    assert done.status == 2
    assert "all checkpoints (20, 10) are damaged" in done.err
    assert "Traceback" not in done.err
    assert list(tmp_path.rglob("*")) == []


def test_resuming_with_another_table(command: Callable[..., Any], folder: Path, finished: Any, tmp_path: Path) -> None:
    shutil.copytree(finished.path, tmp_path / "run")
    moved = tmp_path / "table.parquet"
    shutil.copy(folder / "other.parquet", moved)
    config = tmp_path / "run" / "config.yaml"
    config.write_text(config.read_text().replace(str(finished.table_path), str(moved)))
    said = ("data=table", f"data.path={moved}")  # the config was changed, so that nothing it names is read by itself
    done = command("train", "run_dir=run", "trainer.resume=true", "trainer.steps=30", *said)
    assert done.status == 2
    assert "error: run: the training table is not the one that this run began with" in done.err
    assert sorted(path.name for path in (tmp_path / "run" / "checkpoints").iterdir() if path.is_dir()) == ["10", "20"]


def test_batch_that_does_not_divide_among_devices(
    command: Callable[..., Any], inputs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax

    monkeypatch.setattr(jax, "device_count", lambda: 3)
    arguments = (argument.replace("{inputs}", str(inputs)) for argument in TABLE)
    done = command("train", *arguments, "trainer.placement=sharded")
    assert done.status == 2
    assert "error: trainer.batch_size=50: it must be a multiple of the 3 devices, or trainer.placement=jit" in done.err
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("argument", ["+sed=3", "++trainer.step=10"])
def test_a_sign_does_not_hide_a_mistyped_key(argument: str) -> None:
    from gans.config.compose import compose
    from gans.errors import UserError

    with pytest.raises(UserError):
        compose([argument])


@pytest.mark.parametrize("argument", ["trainer=null", "penalty=[null]"])
def test_no_component_is_a_users_mistake(argument: str) -> None:
    from gans.config.compose import compose
    from gans.errors import UserError

    with pytest.raises(UserError):
        compose([argument])
