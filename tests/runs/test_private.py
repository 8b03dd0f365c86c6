"""A private run: what it leaves follows from the domain, the ledger's answers and randomness, and from nothing else."""

import json
import re
import shlex
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import opendp.prelude
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

import gans.data.private_domain as settling
import gans.runs.private as private_runs
from gans import evaluate
from gans.config.compose import compose
from gans.data.domain import Domain
from gans.data.embedded import Households
from gans.errors import UserError
from gans.findings.first_screen import private_replies
from gans.report.evaluation import REPLIES_END
from gans.report.page import report_run
from gans.report.private_page import asked
from gans.runs.execute import execute
from gans.runs.saved import SavedRun
from gans.training.checkpoints import Checkpoints
from gans.words import CHINESE, in_language, say
from tests.decisions.test_chinese_pages import english

GAN = ("network.width=8", "network.discriminator_width=8", "network.blocks=0", "trainer.batch_size=16")
SMALL = {
    "dp_marginals": (
        "network.components=16",
        "network.generator_widths=[16]",
        "privacy.iterations=5",
        "privacy.rounds=1",
    ),
    "dp_gan": (*GAN, "trainer.steps=100"),
    "pate_gan": (*GAN, "trainer.steps=2", "privacy.teachers=20", "privacy.votes=8", "privacy.teacher_steps=1"),
}
FILES = {
    "checkpoints/codec.npz",
    "checkpoints/condition.npz",
    "checkpoints/marginals.npz",
    "config.yaml",
    "domain.yaml",
    "model_card.md",
    "privacy.json",
    "provenance.json",
    "report.html",
    "samples.parquet",
    "schema.json",
    "summary.json",
}


def train(path: Path, table: pa.Table, *overrides: str, experiment: str = "dp_marginals") -> SavedRun:
    own = [f"+experiment={experiment}", "tracker.mode=disabled", "samples=500", *SMALL[experiment]]
    run = compose([*own, *overrides])
    run.run_dir = str(path)
    assert execute(run, table, show=False, report=report_run).status == "completed"
    return SavedRun.open(path)


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return Households().read()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> SavedRun:
    return train(tmp_path_factory.mktemp("private") / "run", table)


@pytest.fixture(scope="module", params=["dp_gan", "pate_gan"])
def saved_gan(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, table: pa.Table) -> SavedRun:
    return train(tmp_path_factory.mktemp("private") / "run", table, experiment=request.param)


def left(path: Path) -> dict[str, Any]:
    """All that lies in a run directory, by file, arrays by name; the time that it took is no matter of the rows."""
    out: dict[str, Any] = {}
    for file in sorted(path.rglob("*")):
        name = str(file.relative_to(path))
        if file.is_dir() or (name.startswith("checkpoints/") and file.suffix != ".npz"):
            continue
        if file.suffix == ".npz":
            with np.load(file) as arrays:
                out |= {f"{name}:{key}": arrays[key].tobytes() for key in arrays.files}
        elif name == "summary.json":
            out[name] = {key: value for key, value in json.loads(file.read_text()).items() if "seconds" not in key}
        else:
            out[name] = file.read_bytes()
    checkpoints = Checkpoints(path / "checkpoints")
    step, tree, _ = checkpoints.latest() or (0, {}, {})
    checkpoints.close()
    leaves = {f"{step}:{where}": np.asarray(leaf).tobytes() for where, leaf in _walk(tree)}
    return out | leaves


def _walk(tree: Any, where: str = "") -> list[tuple[str, Any]]:
    if not isinstance(tree, dict):
        return [(where, tree)]
    return [one for key, inner in tree.items() for one in _walk(inner, f"{where}/{key}")]


def saved_page(run: SavedRun) -> str:
    return (run.folder / "report.html").read_text(encoding="utf-8")


def test_all_that_a_private_run_holds_is_in_the_list(saved: SavedRun, saved_gan: SavedRun) -> None:
    for run in (saved, saved_gan):
        found = {str(path.relative_to(run.folder)) for path in run.folder.rglob("*") if path.is_file()}
        assert re.search(r"<h1>Report on a table in memory, about [\d,]+ rows, \d+ \w+ \d+</h1>", saved_page(run))
        steps = {name for name in found if name.split("/")[1:2] == [str(run.summary["steps"])]}
        assert found - steps == FILES
        assert set(run.summary) == {
            "status", "name", "steps", "looks", "seconds", "seed", "privacy", "rows", "scores", "versions", "commit",
            "train_seconds", "sample_seconds", "write_seconds",
        }  # fmt: skip


def fixed_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every mechanism answers the same, whatever it is asked of."""
    rng, drawn = np.random.default_rng(5), iter(range(1, 1_000))

    def counts(found: np.ndarray, scale: float) -> np.ndarray:
        return rng.integers(0, 900, len(found))

    def gradient(key: Any, tree: Any, scale: float) -> Any:
        return jax.tree.map(lambda leaf: 0.01 * jnp.cos(jnp.arange(leaf.size)).reshape(leaf.shape), tree)

    monkeypatch.setattr("gans.privacy.rows.discrete_gaussian", counts)
    monkeypatch.setattr("gans.privacy.rows.noisy_max", lambda found, scale: int(rng.integers(len(found))))
    monkeypatch.setattr("gans.data.private_domain.noisy_max", lambda found, scale: len(found) // 2)
    asked = settling.frequent_levels
    monkeypatch.setattr(settling, "frequent_levels", lambda *given: [asked(*given), ["Bath", "York"]][1])
    monkeypatch.setattr("gans.training.private_step.with_noise", gradient)
    monkeypatch.setattr("gans.training.teachers.discrete_gaussian", counts)
    monkeypatch.setattr("secrets.randbits", lambda bits: next(drawn))


def differences(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, experiment: str, *overrides: str
) -> dict[str, set[str]]:
    """What differs in the run directories of other tables, by these, when all mechanisms answer the same."""
    tables = {
        "one row more": pa.concat_tables([table, table.slice(0, 1)]),
        "one row less": table.slice(1),
        "other rows": table.slice(0, 100),
    }

    def run(rows: pa.Table) -> dict[str, Any]:
        fixed_answers(monkeypatch)
        train(tmp_path / "other", rows, *overrides, experiment=experiment)
        found = left(tmp_path / "other")
        shutil.rmtree(tmp_path / "other")
        return found

    first, out = run(table), {}
    assert len(first) > 40
    for name, rows in tables.items():
        again = run(rows)
        out[name] = {key for key in {*first, *again} if first.get(key) != again.get(key)}
    return out


@pytest.mark.parametrize("experiment", SMALL)
def test_on_a_neighbouring_table_only_what_the_ledger_answered_may_differ(
    experiment: str, table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the same answers of all mechanisms, every file and array is the same whatever the rows were."""
    assert set().union(*differences(table, tmp_path, monkeypatch, experiment).values()) == set()


OPEN = """
columns:
  city: {kind: category, levels: private, other: elsewhere}
  age: {kind: integer, low: 18, high: 90, edges: private, bins: 8}
  since: {kind: datetime, low: 2015-01-01, high: 2024-12-31, edges: private, bins: 8}
  plan: {kind: category, levels: [basic, gold]}
  price: {kind: integer, low: 10, high: 90, follows: plan, values: {basic: 10, gold: 90}}
"""


def open_table(rows: int) -> pa.Table:
    rng = np.random.default_rng(3)
    plan = rng.choice(["basic", "gold"], rows)
    columns = {
        "city": rng.choice(["York", "Bath", "Ely", "Hull"], rows, p=[0.5, 0.4, 0.099, 0.001]),
        "age": np.clip(rng.normal(45, 12, rows), 18, 90).astype(int),
        "since": rng.integers(16_500, 20_000, rows).astype("datetime64[D]"),
        "plan": plan,
        "price": np.where(plan == "gold", 90, 10),
    }
    return pa.table(columns)


@pytest.mark.parametrize("experiment", SMALL)
def test_what_the_domain_leaves_private_goes_through_the_ledger(
    experiment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "open.yaml").write_text(OPEN)
    domain = f"privacy.domain={tmp_path}/open.yaml"
    saved = train(tmp_path / "run", open_table(3_000), domain, "privacy.epsilon=3", experiment=experiment)
    made, stored = saved.samples, json.loads(saved.files.privacy.read_text())
    assert made is not None
    assert made.schema.types == open_table(5).schema.types
    assert set(made["city"].to_pylist()) <= {"York", "Bath", "Ely", "elsewhere"}
    assert set(zip(made["plan"].to_pylist(), made["price"].to_pylist(), strict=True)) == {("basic", 10), ("gold", 90)}
    asked = [entry["what"] for entry in stored["entries"]]
    assert asked[:3] == ["levels of city", "edges of age", "edges of since"]
    assert asked[3:5] == ["counts of age within its bins", "counts of since within its bins"]
    assert 0.98 * 3 < stored["spent"]["epsilon"] <= 3 * (1 + 1e-6)
    assert not any("price" in what for what in asked)
    assert Domain.read(saved.files.domain).settled
    assert set().union(*differences(open_table(3_000), tmp_path, monkeypatch, experiment, domain).values()) == set()


def test_what_the_declaration_drops_is_left_out_and_levels_of_the_rows_are_in_order(tmp_path: Path) -> None:
    (tmp_path / "open.yaml").write_text("drop: [name, gone]\n" + OPEN)
    table = open_table(3_000)
    table = table.append_column("name", pa.array([f"N{row}" for row in range(table.num_rows)]))
    saved = train(tmp_path / "run", table, f"privacy.domain={tmp_path}/open.yaml", "privacy.epsilon=3")
    assert saved.samples is not None
    assert "name" not in saved.samples.column_names
    kept = Domain.read(saved.files.domain)
    assert kept.drop == ["name", "gone"]
    assert kept.columns[0].levels == ["Bath", "Ely", "York", "elsewhere"]  # though York is the most frequent


def test_a_metric_that_looks_at_rows_is_seen(table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault on purpose: a score of the synthetic rows against the real ones goes into the summary."""
    seen: list[int] = []
    encode, summary = Domain.encode, private_runs._summary

    def remembered(domain: Domain, rows: pa.Table, codec: Any) -> Any:
        seen.append(rows.num_rows)
        return encode(domain, rows, codec)

    monkeypatch.setattr(Domain, "encode", remembered)
    monkeypatch.setattr(private_runs, "_summary", lambda *given: summary(*given) | {"scores": {"holdout": seen[-1]}})
    found = differences(table, tmp_path, monkeypatch, "dp_marginals")
    assert found == {name: {"summary.json"} for name in found}


def test_the_ledger_adds_up_by_hand_and_by_another_accountant(saved: SavedRun) -> None:
    stored = json.loads(saved.files.privacy.read_text())
    costs = [entry["sensitivity"] ** 2 / (2 * entry["scale"] ** 2) for entry in stored["entries"]]
    assert sum(costs) == pytest.approx(stored["spent"]["rho"], rel=1e-9)
    assert sum(costs) <= stored["spent"]["rho_budget"] * (1 + 1e-9)
    dp: Any = opendp.prelude
    dp.enable_features("contrib")
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="i64")
    together = dp.m.make_gaussian(*space, (2 * sum(costs)) ** -0.5)
    guarantee = stored["guarantee"]
    assert dp.c.make_zCDP_to_approxDP(together).map(1).epsilon(guarantee["delta"]) <= guarantee["epsilon"] * 1.001
    kinds = {entry["mechanism"] for entry in stored["entries"]}
    assert kinds == {"discrete Gaussian", "exponential"}


def test_the_ledgers_of_gans_add_up_by_another_accountant(saved_gan: SavedRun) -> None:
    """Renyi differential privacy by dp-accounting, which is looser than what the ledger composes by."""
    import dp_accounting
    from dp_accounting.rdp import RdpAccountant

    stored = json.loads(saved_gan.files.privacy.read_text())
    accountant = RdpAccountant()
    for entry in stored["entries"]:
        noise = dp_accounting.GaussianDpEvent(entry["scale"] / entry["sensitivity"])
        sampled = dp_accounting.PoissonSampledDpEvent(entry["rate"], noise) if entry["rate"] < 1 else noise
        accountant.compose(dp_accounting.SelfComposedDpEvent(sampled, entry["times"]))
    epsilon = stored["guarantee"]["epsilon"]
    assert 0.9 * epsilon < accountant.get_epsilon(stored["guarantee"]["delta"]) < 2 * epsilon
    assert 0.98 * epsilon < stored["spent"]["epsilon"] <= epsilon * (1 + 1e-6)
    names = {entry["what"].split()[0] for entry in stored["entries"]}
    assert names == {"counts", "gradients" if saved_gan.summary["name"] == "dp_gan" else "votes"}


def test_what_a_ledger_asked_is_said_in_chinese(saved: SavedRun, saved_gan: SavedRun, table: pa.Table) -> None:
    for run in (saved, saved_gan):
        entries = json.loads(run.files.privacy.read_text())["entries"]
        with in_language(CHINESE):
            said = [text for one in entries for text in (asked(one["what"]), say(one["mechanism"]))]
        assert english("\n".join(said), table.column_names) == []


def test_rows_are_of_the_domain_and_follow_a_condition(saved: SavedRun, table: pa.Table) -> None:
    made = saved.sampler().sample(3_000, 1, where="married == 'yes' and 30 <= age < 45")
    assert made.column_names == table.column_names
    assert pc.unique(made["married"]).to_pylist() == ["yes"]
    assert (pc.min(made["age"]).as_py(), pc.max(made["age"]).as_py()) == (30, 44)
    income = made["income"].to_numpy()
    assert (income.min() >= 10, income.max() <= 200) == (True, True)


def test_more_budget_gives_rows_nearer_to_the_real_ones(table: pa.Table, tmp_path: Path) -> None:
    """The mean total variation of pairs of columns, against rows whose columns are independent."""
    real = table.select(["married", "gender", "ira", "pension_eligible", "pension_participant"])

    def apart(made: pa.Table) -> float:
        distances = []
        for first in range(5):
            for second in range(first):
                shares = [_shares(one, real.column_names[first], real.column_names[second]) for one in (real, made)]
                distances.append(sum(abs(shares[0].get(k, 0) - shares[1].get(k, 0)) for k in {*shares[0], *shares[1]}))
        return float(np.mean(distances)) / 2

    full = ["network.components=128", "network.generator_widths=[64]", "privacy.iterations=50", "privacy.rounds=4"]
    generous = train(tmp_path / "much", table, "privacy.epsilon=10", "samples=9000", *full)
    tight = train(tmp_path / "little", table, "privacy.epsilon=0.02", "samples=9000", *full)
    rng = np.random.default_rng(0)
    independent = pa.table({name: real[name].take(rng.permutation(len(real))) for name in real.column_names})
    found = [apart(one) for one in (generous.samples.select(real.column_names), independent)]  # pyright: ignore
    assert found[0] < found[1] / 3
    assert apart(tight.samples.select(real.column_names)) > 2 * found[0]  # pyright: ignore


def _shares(table: pa.Table, first: str, second: str) -> dict[Any, float]:
    pairs = list(zip(table[first].to_pylist(), table[second].to_pylist(), strict=True))
    return {pair: pairs.count(pair) / len(pairs) for pair in set(pairs)}


def test_the_same_rows_asked_again_are_said_to_add_up(
    table: pa.Table, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = table.slice(0, 2_000)
    train(tmp_path / "one", rows)
    assert not any("were asked before" in line for line in caplog.messages)
    backwards = rows.take(np.arange(rows.num_rows)[::-1]).select(rows.column_names[::-1])
    train(tmp_path / "two", backwards)
    said = [line for line in caplog.messages if "were asked before" in line]
    assert said == [
        "privacy: these rows were asked before, by 1 run; what all of them give together is epsilon=1.46 at delta=1e-05"
    ]


def test_what_is_found_by_real_rows_does_not_go_into_its_folder(saved: SavedRun) -> None:
    from gans.cli.arguments import run_folder

    with pytest.raises(UserError, match="the run is private and its folder may be handed out"):
        run_folder(None, saved.folder)
    with pytest.raises(UserError, match="the run is private"):
        run_folder(saved.folder / "inside", saved.folder)
    assert run_folder(saved.folder.parent / "found", saved.folder) == saved.folder.parent / "found"
    with pytest.raises(UserError, match="a private run does not read its rows again; give real=FILE and test=FILE"):
        saved.table()


@pytest.mark.parametrize("file", ["a table.parquet", ""])
def test_the_command_that_judges_its_rows_names_the_files(saved: SavedRun, file: str, tmp_path: Path) -> None:
    """It stands on the page and on the terminal; with the file of the table where the run knows it."""
    data = f"data:\n  path: {tmp_path}/{file}" if file else "data: {}"
    results = SimpleNamespace(config=data, given=False, ledger=json.loads(saved.files.privacy.read_text()))
    share, resemblance, real = private_replies(results, saved.folder)  # pyright: ignore[reportArgumentType]
    assert shlex.split(resemblance.command) == [
        *("gans", "evaluate", f"run={saved.folder}", f"real={tmp_path}/{file}" if file else "real=FILE"),
        *("test=FILE", f"out={saved.folder}-evaluation"),
    ]
    assert real.command == resemblance.command
    assert share.tone == "good"


def test_the_page_of_its_evaluation_keeps_the_guarantee(saved: SavedRun, table: pa.Table, tmp_path: Path) -> None:
    pq.write_table(table, tmp_path / "real.parquet")
    given = [f"run={saved.folder}", f"real={tmp_path}/real.parquet", "metrics=fast"]
    assert evaluate.command.run([*given, f"out={tmp_path}/found"]) == 0
    page = (tmp_path / "found" / "report.html").read_text()
    assert "Yes, by a guarantee" in page.split(REPLIES_END)[0]
    given += [f"synthetic={tmp_path}/real.parquet", f"out={tmp_path}/other"]  # which the guarantee says nothing of
    assert evaluate.command.run(given) == 0
    assert "Yes, by a guarantee" not in (tmp_path / "other" / "report.html").read_text()


def test_a_run_that_forgets_what_was_spent_is_seen(
    table: pa.Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A run that is cut off has spent its budget; the next one on the same rows says so, and one without memory not."""
    rows = table.slice(0, 1_500)

    def cut_off(*given: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("gans.privacy.rows.discrete_gaussian", cut_off)
        with pytest.raises(KeyboardInterrupt):
            train(tmp_path / "one", rows, experiment="dp_gan")
    with monkeypatch.context() as patch:
        patch.setattr("gans.runs.spending._read", lambda path: [])
        train(tmp_path / "two", rows)
        assert not any("were asked before" in line for line in caplog.messages)
    train(tmp_path / "three", rows)
    assert any("were asked before, by 1 run;" in line for line in caplog.messages)


def test_a_large_delta_is_warned_of(table: pa.Table, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    train(tmp_path / "run", table, "privacy.delta=1e-3")
    assert any("privacy.delta=0.001" in line and "one in" in line for line in caplog.messages)
