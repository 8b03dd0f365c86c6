"""Sites with ledgers of their own: nothing that a site sends depends on its rows but through noise that is paid for."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.errors import UserError
from gans.federated.agreed import Agreed
from gans.federated.arrays import arrays_of
from gans.federated.messages import DESCRIBE, EVALUATE, JOIN, content, import_flower, said_in
from gans.federated.run import FederatedResult, federate, stored
from gans.federated.settings import Federation
from gans.federated.site import Site
from gans.federated.site_ledger import program_of
from gans.privacy.ledger import Ledger
from gans.runs.saved import SavedRun

DOMAIN = """
columns:
  plan: {kind: category, levels: [free, basic, gold]}
  age: {kind: integer, low: 18, high: 90, bins: 4}
  member: {kind: category, levels: ["no", "yes"]}
"""
SMALL = (
    "+experiment=dp_gan",
    "network.width=16",
    "network.latent=8",
    "network.discriminator_width=16",
    "network.blocks=1",
    "trainer.batch_size=32",
    "tracker.mode=disabled",
    "samples=100",
)


def rows_of(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "plan": pa.array(rng.choice(["free", "basic", "gold"], count, p=[0.6, 0.3, 0.1])),
            "age": pa.array(rng.integers(18, 91, count)),
            "member": pa.array(rng.choice(["no", "yes"], count)),
        }
    )


def trained(
    folder: Path,
    *overrides: str,
    change: Callable[[Any], Any] = lambda grid: grid,
    tables: tuple[pa.Table, ...] = (rows_of(300, 0), rows_of(200, 1)),
    **settings: Any,
) -> FederatedResult:
    """A private run over two sites, with what it needs in a folder."""
    import_flower()
    from gans.federated.simulation import SimulatedGrid, simulated_sites

    folder.mkdir(exist_ok=True)
    (folder / "domain.yaml").write_text(DOMAIN)
    for place, table in enumerate(tables):
        pq.write_table(table, folder / f"site-{place}.parquet")
    own = [f"privacy.domain={folder}/domain.yaml", "data=sites", f"data.files='{folder}/site-*.parquet'"]
    given = compose([*SMALL, *own, f"run_dir={folder}/run", *overrides])
    chosen = Federation(**{"rounds": 2, "local_steps": 3} | settings)
    return federate(given, chosen, lambda run: change(SimulatedGrid(simulated_sites(run))), show=False)


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> FederatedResult:
    """A private run that has ended."""
    return trained(tmp_path_factory.mktemp("private") / "done")


def site_of_rows(done: FederatedResult, folder: Path, table: pa.Table) -> Site:
    """A site that has joined a run."""
    folder.mkdir(exist_ok=True)
    pq.write_table(table, folder / "rows.parquet")
    site = Site("south", compose(["data=table", f"data.path={folder}/rows.parquet"]), folder, show=False)
    site.join(Agreed(done.run_dir))
    return site


def asked_of(site: Site) -> dict[str, np.ndarray]:
    """The networks that a server sends in the first round."""
    return arrays_of(site.first, site.known.federation.shared)


def test_a_private_run_ends_with_a_table_and_the_ledger_of_its_sites(done: FederatedResult) -> None:
    saved = SavedRun.open(done.run_dir)
    assert pq.read_table(done.run_dir / "samples.parquet").column_names == ["plan", "age", "member"]
    assert saved.sampler().sample(50, 0).num_rows == 50
    ledger = Ledger.read(done.run_dir / "privacy.json")
    assert 0.9 < ledger.spent_epsilon <= 1.0
    assert [entry.times for entry in ledger.entries] == [1, 1, 1, 2 * 3]
    for own in (done.run_dir / "sites").glob("site-*/private-*/privacy.json"):
        assert Ledger.read(own).entries == ledger.entries
    assert 400 < done.summary["rows"]["estimated"] < 600
    assert done.summary["weights"]["site-0"] == pytest.approx(0.6, abs=0.1)
    assert done.summary["privacy"]["epsilon"] == 1.0


def test_what_leaves_a_site_is_counts_once_and_networks(done: FederatedResult) -> None:
    sent = [json.loads(line) for line in (done.run_dir / "sites/site-0/sent.jsonl").read_text().splitlines()]
    assert [one["what"] for one in sent] == ["counts", "networks", "networks"]
    assert not any("numbers" in line for one in sent for line in one["lines"])
    assert all("loss" not in line for line in (done.run_dir / "metrics.jsonl").read_text().splitlines())


def without_noise(monkeypatch: pytest.MonkeyPatch, seen: bool) -> None:
    """Noise and secrets that are always the same; and mechanisms that see the rows, or none that do."""
    from gans.federated import site
    from gans.privacy import rows as private_rows
    from gans.training import private_step

    monkeypatch.setattr(site, "secret_key", lambda: private_step.jax.random.key(0))
    monkeypatch.setattr(
        private_rows, "discrete_gaussian", lambda counts, scale: np.array(counts) if seen else np.full(len(counts), 9)
    )
    if not seen:
        blind = lambda critic, pairs, parameters, *others: private_step.jax.tree.map(jnp.ones_like, parameters)  # noqa: E731
        monkeypatch.setattr(private_step, "clipped_sum", blind)


@pytest.mark.parametrize("seen", [False, True])
def test_other_rows_show_through_the_mechanisms_only(
    seen: bool, done: FederatedResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_noise(monkeypatch, seen)
    program_of.cache_clear()
    found = []
    for name, table in (("one", rows_of(300, 0)), ("two", rows_of(260, 6))):
        site = site_of_rows(done, tmp_path / name, table)
        counts = site.counts()
        networks = site.train_privately(1, asked_of(site), counts if not seen else np.full(len(counts), 9.0))
        found.append({"counts": counts, **networks})
    program_of.cache_clear()
    same = [np.array_equal(found[0][path], found[1][path]) for path in found[0]]
    assert all(same) != seen
    assert found[0].keys() == found[1].keys()


def test_a_question_that_is_asked_again_costs_nothing_and_another_one_is_refused(
    done: FederatedResult, tmp_path: Path
) -> None:
    site = site_of_rows(done, tmp_path / "south", rows_of(300, 0))
    counts, arrays = site.counts(), asked_of(site)
    first = site.train_privately(1, arrays, counts)
    again = site_of_rows(done, tmp_path / "south", rows_of(300, 0))  # a process of its own
    assert np.array_equal(again.counts(), counts)
    repeated = again.train_privately(1, arrays, counts)
    assert all(np.array_equal(repeated[path], first[path]) for path in first)
    second = again.train_privately(2, first, counts)
    assert not all(np.array_equal(second[path], first[path]) for path in first)
    with pytest.raises(UserError, match="the budget is used up: its noise is that of 6 steps, of which 6 are taken"):
        again.train_privately(3, second, counts)


def test_a_server_that_forgot_a_round_asks_again_and_ends(tmp_path: Path) -> None:
    def stopping(grid: Any) -> Any:
        usual, rounds = grid.send_and_receive, []

        def once(messages: Any, timeout: float | None = None) -> Any:
            messages = list(messages)
            found = list(usual(messages, timeout=timeout))
            if messages and messages[0].metadata.message_type == "train":
                rounds.append(1)
                if len(rounds) == 2:  # the sites have answered, and the server dies
                    raise KeyboardInterrupt
            return found

        grid.send_and_receive = once
        return grid

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "here", change=stopping)
    result = trained(tmp_path / "here", "trainer.resume=true")
    assert result.summary["status"] == "completed"
    taken = [json.loads(path.read_text())["steps"] for path in (tmp_path / "here").glob("run/sites/*/*/steps.json")]
    assert taken == [6, 6]


@pytest.mark.slow
def test_a_site_that_comes_later_tells_its_counts_then(tmp_path: Path) -> None:
    def late(grid: Any) -> Any:
        usual = grid.get_node_ids
        calls: list[int] = []
        grid.get_node_ids = lambda: calls.append(1) or [one for one in usual() if one == 1 or len(calls) > 1]
        return grid

    assert set(trained(tmp_path / "here", change=late, sites=1).summary["weights"]) == {"site-0", "site-1"}


@pytest.mark.parametrize(
    ("overrides", "settings", "said"),
    [
        (["privacy.domain=null"], {}, "privacy.domain is not set"),
        (["privacy.domain=nowhere.yaml"], {}, "privacy.domain=nowhere.yaml: no such file"),
        (["privacy.domain=PRIVATE"], {}, "column 'plan': sites take declared levels and edges"),
        ([], {"weights": "fed_tgan"}, "federated.weights=fed_tgan: sites that train together in privacy=dp"),
        ([], {"share": "discriminator"}, "federated.share=discriminator: sites that train together in privacy=dp"),
        (["privacy=pate"], {}, "privacy=pate: sites that train together take none or dp"),
        (["trainer.seeds=2"], {}, "trainer.seeds=2"),
        ([], {"sites": 3, "timeout": 0.6}, "federated.sites=3"),
    ],
)
def test_what_does_not_go_together_is_refused(
    overrides: list[str], settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    if overrides == ["privacy.domain=PRIVATE"]:
        path = tmp_path / "private.yaml"
        path.write_text(DOMAIN.replace("levels: [free, basic, gold]", "levels: private, other: other"))
        overrides = [f"privacy.domain={path}"]
    with pytest.raises(UserError, match=said):
        trained(tmp_path / "here", *overrides, **settings)
    assert not (tmp_path / "here/run/samples.parquet").exists()


def test_a_row_outside_the_domain_is_said_at_the_site_and_ends_the_run(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    strange = rows_of(50, 3).set_column(0, "plan", pa.array(["press"] * 50))
    with pytest.raises(UserError, match=r"federated.sites=2: 1 told noisy counts"):
        trained(tmp_path / "here", tables=(rows_of(300, 0), strange))
    assert "press" in caplog.text


def test_rounds_of_a_private_run_cannot_change(done: FederatedResult) -> None:
    run = compose([*SMALL, "data=sites", f"run_dir={done.run_dir}", "trainer.resume=true"])
    with pytest.raises(UserError, match=r"federated\.rounds=5: the noise of a private run is that of 2 rounds"):
        stored(run, [f"run_dir={done.run_dir}", "trainer.resume=true"], {"rounds": "5"})


def node(tmp_path: Path, **limits: str) -> Site:
    """A deployed site of 300 rows with an epsilon of its own."""
    from gans.federated.apps import site_of

    path = tmp_path / "north.parquet"
    pq.write_table(rows_of(300, 0), path)
    config = {"name": "north", "folder": str(tmp_path / "north"), "data": f"data=table data.path={path}"}
    return site_of(config | {"epsilon": "1", **limits})


def asked(site: Site, kind: str, made: Any) -> dict[str, Any]:
    """What a site says to a message."""
    from flwr.app import Message

    from gans.federated.messages import answer

    return said_in(answer(site, Message(made, 1, kind)))


def test_a_site_with_an_epsilon_takes_part_in_private_runs_only(
    done: FederatedResult, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    packed = Agreed(done.run_dir).packed()
    site = node(tmp_path)
    assert "error" in asked(site, DESCRIBE, content(federation=Federation().to_json()))
    assert "error" not in asked(site, JOIN, content(agreement=packed))
    assert "error" in asked(site, EVALUATE, content({}, round=1))
    assert "it tells no scores of its rows" in caplog.text
    site.counts()
    other = tmp_path / "other"
    shutil.copytree(done.run_dir, other)
    settings = json.loads((other / "federated.json").read_text())
    (other / "federated.json").write_text(json.dumps(settings | {"token": "0" * 16}))
    assert "error" in asked(node(tmp_path), JOIN, content(agreement=Agreed(other).packed()))
    assert "epsilon=1: the site allows no more; the run asks for 1, spent is 1" in caplog.text
    twice = node(tmp_path, epsilon="2", delta="2e-5")
    assert "error" not in asked(twice, JOIN, content(agreement=Agreed(other).packed()))


@pytest.mark.parametrize("limits", [{"epsilon": "0"}, {"epsilon": "much"}, {"delta": "-1"}, {"epsilon": "nan"}])
def test_a_site_says_which_limit_is_wrong(limits: dict[str, str], tmp_path: Path) -> None:
    key, value = next(iter(limits.items()))
    with pytest.raises(UserError, match=f"--node-config: {key}={value}"):
        node(tmp_path, **limits)
