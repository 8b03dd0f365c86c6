import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.artefacts import read_npz
from gans.errors import UserError
from gans.federated.run import FederatedResult
from gans.federated.settings import STRATEGIES, Federation
from gans.runs.saved import SavedRun

Run = Callable[..., FederatedResult]


def lines(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def keeping(kept: list[Any]) -> Callable[[Any], Any]:
    """A change of a grid that only remembers it."""

    def keep(grid: Any) -> Any:
        kept.append(grid)
        return grid

    return keep


def average(result: FederatedResult) -> list[np.ndarray]:
    import jax

    return jax.tree.leaves(SavedRun.open(result.run_dir).state["average"])


def test_a_run_ends_with_a_table_that_every_command_reads(run_sites: Run, site_files: Path) -> None:
    result = run_sites()
    saved = SavedRun.open(result.run_dir)
    assert result.summary["status"] == "completed"
    assert (result.summary["rounds"], result.summary["steps"]) == (3, 12)
    assert result.summary["rows"] == {"training": 180 + 270 + 360, "holdout": 20 + 30 + 40}
    assert saved.samples is not None
    assert saved.samples.num_rows == 100
    assert set(saved.samples["plan"].to_pylist()) <= {"free", "basic", "gold", "student", "other"}
    assert saved.sampler().sample(10, 1).column_names == ["plan", "age", "spent", "member", "since"]
    training, holdout = saved.table()
    assert (training.num_rows, holdout.num_rows) == (810, 90)
    sites = result.summary["scores"]["sites"]
    assert set(sites) == {"site-0", "site-1", "site-2"}
    weights = np.array([20, 30, 40]) / 90
    pooled = sum(w * sites[f"site-{n}"]["score"] for n, w in enumerate(weights))
    assert result.summary["scores"]["holdout"]["score"] == pytest.approx(pooled)


def test_what_left_a_site_is_written_down_at_the_site(run_sites: Run) -> None:
    result = run_sites()
    sent = [json.loads(line) for line in (result.run_dir / "sites" / "site-2" / "sent.jsonl").read_text().splitlines()]
    assert [one["what"] for one in sent] == ["columns", *["networks"] * 2, "scores", "networks", "scores"]
    assert any("levels of 4 rows withheld" in line for line in sent[0]["lines"])
    assert sum(one["bytes"] for one in sent if one["what"] == "networks") * 3 == result.summary["bytes"]
    assert "press" not in (result.run_dir / "descriptions.json").read_text()


def test_one_site_trains_as_if_alone_with_what_was_agreed(run_sites: Run, site_files: Path) -> None:
    """Rounds with averaged moments are one training in pieces, to the last bit but for the average of the generator."""
    for place in (1, 2):
        (site_files / f"site-{place}.parquet").unlink()
    keys: dict[str, Any] = {"sites": 1, "moments": "averaged"}
    pieces = run_sites(rounds=3, local_steps=4, **keys)
    whole = run_sites("run_dir=" + str(pieces.run_dir.parent / "whole"), rounds=1, local_steps=12, **keys)
    import jax

    for one, other in zip(
        *(jax.tree.leaves(SavedRun.open(run.run_dir).state["generator"]) for run in (pieces, whole)), strict=True
    ):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def test_a_round_is_the_weighted_mean_of_what_sites_make_by_themselves(run_sites: Run) -> None:
    """Against the program of a site alone, as a deployed one has it."""
    kept: list[Any] = []
    result = run_sites(change=keeping(kept), rounds=1)
    from gans.federated.arrays import arrays_of

    sums: dict[str, Any] = {}
    for site in kept[0].sites.values():
        state = site.begin_round(1, arrays_of(site.first, Federation().shared))
        after, _ = site.program(state, site.rows(4 * 360), 4)
        for path, array in arrays_of(after, ("generator", "discriminator")).items():
            sums[path] = sums.get(path, 0) + array * (site.split.training.num_rows / 810)
    state = SavedRun.open(result.run_dir).state
    flat = {"generator": state["generator"], "discriminator": state["discriminator"]}
    for path, array in sums.items():
        part, _, rest = path.partition("/")
        leaf = flat[part]
        for key in rest.split("."):
            leaf = leaf[key]
        np.testing.assert_allclose(leaf, array, rtol=1e-4, atol=1e-5)


def test_rows_of_smaller_sites_come_as_often_as_each_other_but_for_one_time(run_sites: Run) -> None:
    kept: list[Any] = []
    run_sites(change=keeping(kept), rounds=1)
    site = kept[0].sites[1]
    longer = site.rows(4 * 360)
    both = np.concatenate([longer.scalars, longer.codes], axis=1)
    _, counts = np.unique(both, axis=0, return_counts=True)
    assert counts.sum() == 1440
    assert counts.max() - counts.min() <= 1 or len(counts) < site.training.num_rows


def test_a_run_can_go_on_for_more_rounds(run_sites: Run, tmp_path: Path) -> None:
    run_sites(rounds=2)
    more = run_sites("trainer.resume=true", rounds=4)
    assert more.summary["rounds"] == 4
    assert [row["step"] for row in lines(more.run_dir)] == [4, 8, 12, 16]
    assert SavedRun.open(more.run_dir).run.trainer.steps == 16


def test_a_run_that_was_killed_goes_on_to_the_same_bits(run_sites: Run, tmp_path: Path) -> None:
    class KilledError(Exception):
        pass

    def killed(grid: Any) -> Any:
        train = grid._train

        def until_the_third(messages: Any) -> Any:
            if int(messages[0].content["said"]["round"]) == 3:
                raise KilledError
            return train(messages)

        grid._train = until_the_third
        return grid

    for share, moments in (("both", "averaged"), ("generator", "kept")):
        keys = {"rounds": 4, "share": share, "moments": moments}
        whole = run_sites(f"run_dir={tmp_path / share / 'whole'}", **keys)
        with pytest.raises(KilledError):
            run_sites(f"run_dir={tmp_path / share / 'broken'}", change=killed, **keys)
        broken = run_sites(f"run_dir={tmp_path / share / 'broken'}", "trainer.resume=true", **keys)
        assert pq.read_table(broken.run_dir / "samples.parquet").equals(
            pq.read_table(whole.run_dir / "samples.parquet")
        )
        scores = [[row.get("holdout/score") for row in lines(run.run_dir)] for run in (whole, broken)]
        assert scores[0] == scores[1]


def test_a_site_that_drops_out_and_comes_back_does_not_end_the_run(
    run_sites: Run, caplog: pytest.LogCaptureFixture
) -> None:
    def dropping(grid: Any) -> Any:
        train = grid._train

        def some(messages: Any) -> Any:
            number = int(messages[0].content["said"]["round"])
            answers = train(messages)
            grid.absent = {"site-1"} if number == 1 else set()
            return [one for one in answers if number != 2 or one.content["said"]["site"] != "site-0"]

        grid._train = some
        return grid

    result = run_sites(change=dropping, sites=1, rounds=3)
    assert [row["sites"] for row in lines(result.run_dir)] == [3, 1, 3]
    assert "site site-0 left out: no answer" in caplog.text


def poisoned(spoil: Callable[[dict[str, Any]], None]) -> Callable[[Any], Any]:
    """A grid whose last site sends something else."""

    def change(grid: Any) -> Any:
        from gans.federated.messages import arrays_in, content

        train = grid._train

        def spoiled(messages: Any) -> Any:
            answers = train(messages)
            arrays = {path: np.array(array) for path, array in arrays_in(answers[-1]).items()}
            spoil(arrays)
            answers[-1].content["arrays"] = content(arrays)["arrays"]
            return answers

        grid._train = spoiled
        return grid

    return change


def first(arrays: dict[str, Any]) -> str:
    return next(path for path in sorted(arrays) if path.startswith("generator/"))


SPOILT: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "nan": (lambda arrays: arrays[first(arrays)].fill(np.nan), "is not finite"),
    "inf": (lambda arrays: arrays[first(arrays)].fill(np.inf), "is not finite"),
    "shape": (lambda arrays: arrays.update({first(arrays): np.zeros((2, 3))}), "is [2, 3], not"),
    "missing": (lambda arrays: arrays.pop(first(arrays)), "is missing"),
    "more": (lambda arrays: arrays.update(more=np.zeros(2)), "more was not asked for"),
    "type": (lambda arrays: arrays.update({first(arrays): arrays[first(arrays)].astype(complex)}), "is of type"),
}


@pytest.mark.parametrize("how", SPOILT)
def test_a_site_that_sends_what_is_no_network_is_left_out_and_said(
    how: str, run_sites: Run, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spoil, said = SPOILT[how]
    result = run_sites(change=poisoned(spoil), rounds=1)
    assert "site site-2 left out of round 1: " in caplog.text
    assert said in caplog.text
    assert lines(result.run_dir)[0]["sites"] == 2
    assert all(np.isfinite(leaf).all() for leaf in average(result))


@pytest.mark.parametrize(("strategy", "holds"), [("fedavg", False), ("trimmed_mean", True), ("krum", True)])
def test_robust_strategies_hold_against_a_site_that_sends_huge_numbers(
    strategy: str, holds: bool, run_sites: Run
) -> None:
    def huge(arrays: dict[str, Any]) -> None:
        for path in arrays:
            if path.startswith("generator/"):
                arrays[path] += 1e4

    keys: dict[str, Any] = {"rounds": 1, "trim": 0.34, "malicious": 0, "moments": "reset"}
    spoilt = average(run_sites(change=poisoned(huge), strategy=strategy, **keys))
    assert (max(np.abs(leaf).max() for leaf in spoilt) < 100) == holds


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_every_strategy_trains(strategy: str, run_sites: Run) -> None:
    result = run_sites(strategy=strategy, moments="reset", rounds=2, malicious=0)
    assert result.summary["status"] == "completed"
    assert all(np.isfinite(leaf).all() for leaf in average(result))


def test_fedprox_stays_nearer_to_the_shared_networks(run_sites: Run, tmp_path: Path) -> None:
    def moved(**keys: Any) -> float:
        """How far the generator of a site moves in a round, squared."""
        import jax

        found = []

        def measure(grid: Any) -> Any:
            steps = grid.steps

            def measured(states: Any, count: int) -> Any:
                before = [jax.tree.leaves(jax.tree.map(np.array, state.generator)) for state in states]
                out = steps(states, count)
                for old, (state, _) in zip(before, out, strict=True):
                    new = jax.tree.leaves(state.generator)
                    found.append(sum(float(((a - b) ** 2).sum()) for a, b in zip(old, new, strict=True)))
                return out

            grid.steps = measured
            return grid

        folder = f"run_dir={tmp_path / keys['strategy']}"
        run_sites(folder, change=measure, rounds=1, local_steps=60, moments="reset", **keys)
        return float(np.mean(found))

    assert moved(strategy="fedprox", proximal=5.0) < 0.9 * moved(strategy="fedavg")


def test_where_no_site_has_rows_enough_to_score_the_last_generator_is_kept(run_sites: Run) -> None:
    result = run_sites("trainer.metrics=[detection]", "trainer.best=detection", "trainer.evaluate_rows=100")
    saved = SavedRun.open(result.run_dir)
    assert saved.run.trainer.best != "detection"
    assert saved.sampler().sample(5, 0).num_rows == 5


def test_where_scores_fail_the_last_generator_is_kept(run_sites: Run) -> None:
    result = run_sites("trainer.best=last")
    assert result.summary["scores"]["best"][0]["step"] == 12
    assert SavedRun.open(result.run_dir).sampler().sample(5, 0).num_rows == 5


def test_sites_keep_what_is_not_shared(run_sites: Run, tmp_path: Path) -> None:
    result = run_sites(share="generator", moments="reset")
    own = [read_npz(result.run_dir / "sites" / f"site-{place}" / "state-3.npz") for place in range(3)]
    assert {path.partition("/")[0] for path in own[0]} == {"agreement", "discriminator", "discriminator_optimizer"}
    assert any((own[0][path] != own[1][path]).any() for path in own[0] if path.startswith("discriminator/"))
    sent = (result.run_dir / "sites" / "site-0" / "sent.jsonl").read_text()
    assert 'arrays of generator, statistics"' in sent


def test_where_only_discriminators_are_shared_each_site_keeps_a_generator(run_sites: Run) -> None:
    result = run_sites(share="discriminator")
    assert result.summary["status"] == "completed"
    own = [read_npz(result.run_dir / "sites" / f"site-{place}" / "state-3.npz") for place in range(3)]
    assert {path.partition("/")[0] for path in own[0]} == {
        "agreement", "generator", "generator_optimizer", "average",
    }  # fmt: skip
    assert pq.read_table(result.run_dir / "samples.parquet").num_rows == pytest.approx(100, abs=2)
    with pytest.raises(UserError, match="no best generator"):
        SavedRun.open(result.run_dir).sampler()


def test_a_site_of_one_row_takes_part(run_sites: Run, site_files: Path) -> None:
    path = site_files / "site-1.parquet"
    pq.write_table(pq.read_table(path).take(pa.array([0] * 300)), path)
    assert run_sites(weights="fed_tgan").summary["status"] == "completed"


def test_numbers_that_only_the_sender_can_hold_are_no_network(run_sites: Run) -> None:
    def big(arrays: dict[str, Any]) -> None:
        arrays[first(arrays)] = np.full(arrays[first(arrays)].shape, 1e300)

    result = run_sites(change=poisoned(big), rounds=2)
    assert [row["sites"] for row in lines(result.run_dir)] == [2, 2]


def test_a_site_that_nobody_asked_before_joins_later(run_sites: Run) -> None:
    def later(grid: Any) -> Any:
        train = grid._train
        grid.absent = {"site-2"}

        def with_all(messages: Any) -> Any:
            answers = train(messages)
            grid.absent = set()
            return answers

        grid._train = with_all
        return grid

    result = run_sites(change=later, rounds=3)
    assert [row["sites"] for row in lines(result.run_dir)] == [2, 3, 3]


def test_a_site_that_failed_once_is_asked_again(run_sites: Run) -> None:
    def flaky(grid: Any) -> Any:
        site, begin = grid.sites[1], grid.sites[1].begin_round

        def once(number: int, arrays: Any) -> Any:
            if number == 2:
                raise RuntimeError("a row holds 48213.77")
            return begin(number, arrays)

        site.begin_round, site.explains = once, False
        return grid

    result = run_sites(change=flaky, rounds=3)
    assert [row["sites"] for row in lines(result.run_dir)] == [3, 2, 3]


def test_scores_that_a_site_made_up_choose_nothing_under_a_robust_strategy(run_sites: Run) -> None:
    def boasting(grid: Any) -> Any:
        grid.sites[3].evaluate = lambda number, arrays: {"score": 1e30 if number == 1 else 0.0, "rows": float("nan")}
        return grid

    result = run_sites(change=boasting, strategy="trimmed_mean", rounds=3, evaluate_every=1)
    assert all(0 < row["holdout/score"] < 1 for row in lines(result.run_dir))


def test_a_completed_run_that_is_gone_on_with_keeps_its_scores(run_sites: Run) -> None:
    before = run_sites().summary["scores"]
    assert run_sites("trainer.resume=true").summary["scores"] == before


def test_what_a_site_keeps_belongs_to_one_run(run_sites: Run, tmp_path: Path) -> None:
    def elsewhere(grid: Any) -> Any:
        for site in grid.sites.values():
            site.folder = tmp_path / "own" / site.name
        return grid

    keys: dict[str, Any] = {"change": elsewhere, "share": "generator", "rounds": 1}
    first_run = run_sites(f"run_dir={tmp_path / 'one'}", **keys)
    again = run_sites(f"run_dir={tmp_path / 'two'}", "codec=standard", **keys)
    alone = run_sites(f"run_dir={tmp_path / 'three'}", "codec=standard", share="generator", rounds=1)
    assert first_run.summary["status"] == "completed"
    assert (
        lines(again.run_dir)[0]["site/site-0/loss/generator"] == lines(alone.run_dir)[0]["site/site-0/loss/generator"]
    )
