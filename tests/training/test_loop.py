"""The loop: best parameters, resume to the bit, damaged checkpoints, divergence, signals."""

import logging
import os
import signal
from pathlib import Path

import jax
import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.config.trainer import Trainer
from gans.errors import UserError
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.training import loop
from gans.training.checkpoints import Checkpoints, digest
from gans.training.loop import Best, Hooks, train

SMALL = [
    *("data.limit=400", "trainer.batch_size=20", "network.generator_widths=[8,8]", "network.discriminator_widths=[8]"),
    *("trainer.block=5", "trainer.evaluate_every=10", "trainer.checkpoint_every=10", "trainer.steps=40"),
]


class Recorder:
    """Scripted scores; remembers what was evaluated and logged."""

    def __init__(self, scores, act=lambda step: None):
        self.scores, self.act, self.seen, self.logged = iter(scores), act, [], []

    def evaluate(self, average):
        self.seen.append(jax.tree.map(np.copy, average))
        self.act(len(self.seen))
        value = next(self.scores)
        members = len(jax.tree.leaves(average)[0])
        values = value if isinstance(value, list) else [value] * members
        return [{"score": one, "column_distance": 1 - one, "pair_distance": 0.0} for one in values]

    def log(self, metrics, step, seconds):
        self.logged.append((step, metrics))


def go(overrides, recorder, folder: Path | None = None):
    ready = prepare(compose([*SMALL, *overrides]))
    checkpoints = Checkpoints(folder, ready.run.trainer.keep) if folder else None
    hooks = Hooks(recorder.evaluate, recorder.log, None, ready.fingerprint())
    try:
        return train(
            build(ready.run, ready.condition),
            ready.rows,
            ready.run.trainer.schedule(),
            ready.run.seed,
            hooks,
            checkpoints,
        )
    finally:
        if checkpoints:
            checkpoints.close()


def assert_same(left, right):
    for a, b in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(("best", "scores", "place"), [
    ("score", [0.1, 0.9, 0.3, 0.2], 1),
    ("column_distance", [0.9, 0.2, 0.95, 0.1], 2),
    ("last", [0.9, 0.2, 0.1, 0.3], 3),
])  # fmt: skip
def test_best_is_the_very_generator_that_was_scored(best, scores, place):
    recorder = Recorder(scores)
    outcome = go([f"trainer.best={best}"], recorder)
    assert outcome.status == "completed"
    assert_same(outcome.best.generator, recorder.seen[place])
    assert outcome.best.step.tolist() == [10 * (place + 1)]


def test_best_is_kept_for_each_seed_apart():
    recorder = Recorder([[0.1, 0.9], [0.5, 0.2], [0.3, 0.3], [0.2, 0.1]])
    outcome = go(["trainer.seeds=2"], recorder)
    assert outcome.best.step.tolist() == [20, 10]
    assert outcome.best.value.tolist() == [0.5, 0.9]
    for leaf, first, second in zip(
        *map(jax.tree.leaves, (outcome.best.generator, recorder.seen[1], recorder.seen[0])), strict=True
    ):
        np.testing.assert_array_equal(leaf[0], first[0])
        np.testing.assert_array_equal(leaf[1], second[1])
    assert {"seed0/holdout/score", "seed1/holdout/score", "holdout/score"} <= set(recorder.logged[-1][1])


def test_a_score_that_is_not_a_number_is_never_best():
    best = Best({"w": np.zeros((1, 2))}, np.zeros(1, np.int64), np.full(1, np.nan))
    assert not best.update(10, np.array([np.nan]), 1, {"w": np.ones((1, 2))})
    assert best.update(20, np.array([0.1]), 1, {"w": np.full((1, 2), 2.0)})
    assert best.generator["w"].tolist() == [[2.0, 2.0]]


@pytest.mark.parametrize("seeds", [1, 2])
def test_a_resumed_run_ends_with_the_same_bits(tmp_path, seeds):
    scores = [0.2, 0.6, 0.4, 0.3]
    whole = go([f"trainer.seeds={seeds}"], Recorder(scores))
    first = Recorder(scores, act=lambda count: os.kill(os.getpid(), signal.SIGTERM) if count == 2 else None)
    stopped = go([f"trainer.seeds={seeds}"], first, tmp_path)
    assert (stopped.status, stopped.step) == ("interrupted", 20)
    resumed = go([f"trainer.seeds={seeds}", "trainer.resume=true"], Recorder(scores[2:]), tmp_path)
    assert resumed.status == "completed"
    assert_same(whole.state, resumed.state)
    assert_same(whole.best.generator, resumed.best.generator)
    assert resumed.best.step.tolist() == [20] * seeds


@pytest.mark.parametrize(("patience", "scores", "step", "best"), [
    (1, [0.5, 0.6, 0.6, 0.9], 30, 20),
    (2, [0.5, 0.4, 0.3, 0.9], 30, 10),
    (2, [0.5, 0.4, 0.6, 0.1], 40, 30),
    (2, [np.nan, np.nan, 0.6, 0.1], 20, 20),
    (3, [0.5, 0.4, 0.4, 0.4], 40, 10),
])  # fmt: skip
def test_patience_counts_scores_since_the_best(patience, scores, step, best):
    recorder = Recorder(scores)
    outcome = go([f"trainer.patience={patience}"], recorder)
    assert (outcome.status, outcome.step, len(recorder.seen)) == ("completed", step, step // 10)
    assert outcome.stopped == (f"no better score for {patience} evaluations" if step < 40 else None)
    assert outcome.best.step.tolist() == [best]


def test_patience_ends_when_that_of_all_seeds_has():
    outcome = go(["trainer.seeds=2", "trainer.patience=1"], Recorder([[0.5, 0.1], [0.4, 0.2], [0.3, 0.2], [1, 1]]))
    assert (outcome.step, outcome.best.step.tolist()) == (30, [10, 20])


def test_patience_follows_the_direction_of_the_score():
    """The recorder's column distance is 1 - score: it falls while the score rises."""
    outcome = go(["trainer.best=column_distance", "trainer.patience=1"], Recorder([0.1, 0.2, 0.2, 0.3]))
    assert (outcome.step, outcome.best.step.tolist()) == (30, [20])
    assert outcome.stopped == "no better column_distance for 1 evaluations"


def test_a_resumed_run_stops_at_the_step_at_which_it_would_have(tmp_path):
    scores = [0.5, 0.4, 0.3, 0.9]
    whole = go(["trainer.patience=2"], Recorder(scores))
    first = Recorder(scores, act=lambda count: os.kill(os.getpid(), signal.SIGTERM) if count == 2 else None)
    assert go(["trainer.patience=2"], first, tmp_path).step == 20
    for left in ([0.3, 0.9], []):  # the second time it has stopped already and trains no further
        resumed = go(["trainer.patience=2", "trainer.resume=true"], Recorder(left), tmp_path)
        assert (resumed.status, resumed.step, resumed.stopped) == (whole.status, 30, whole.stopped)
        assert_same(whole.state, resumed.state)
        assert_same(whole.best.generator, resumed.best.generator)
    longer = go(["trainer.resume=true"], Recorder([0.9]), tmp_path)
    assert (longer.step, longer.stopped, longer.best.step.tolist()) == (40, None, [40])


@pytest.mark.parametrize(("best", "values", "place"), [
    ("score", [0.1, np.nan, 0.3, 0.2], 2),
    ("pair_distance", [0.2, 0.1, np.nan], 1),
    ("score", [np.nan, np.nan], 0),
    ("last", [np.nan, np.nan], 0),
])  # fmt: skip
def test_the_best_member_of_several_seeds(best, values, place):
    assert Trainer(best=best).best_member(np.array(values)) == place


@pytest.mark.parametrize(("settings", "measured"), [
    ({}, ["fidelity"]),
    ({"best": "detection"}, ["fidelity", "detection"]),
    ({"metrics": ["detection", "fidelity"]}, ["fidelity", "detection"]),
    ({"metrics": ["detection"]}, ["fidelity", "detection"]),
    ({"metrics": ["detection"], "best": "detection"}, ["detection"]),
    ({"metrics": [], "best": "last"}, []),
])  # fmt: skip
def test_what_is_measured(settings, measured):
    assert Trainer(**settings).measured == measured


def test_ctrl_c_before_the_first_score_saves_and_gives_the_generator_of_then(tmp_path):
    recorder = Recorder([])
    recorder.log = lambda metrics, step, seconds: os.kill(os.getpid(), signal.SIGINT)
    outcome = go([], recorder, tmp_path)
    assert (outcome.status, outcome.step) == ("interrupted", 5)
    assert [path.name for path in tmp_path.iterdir() if path.name.isdigit()] == ["5"]
    assert_same(outcome.best.generator, jax.tree.map(lambda leaf: leaf[None], outcome.state.average))


def test_the_last_few_checkpoints_are_kept(tmp_path):
    go(["trainer.keep=3"], Recorder([0.1, 0.2, 0.3, 0.4]), tmp_path)
    assert sorted(int(path.name) for path in tmp_path.iterdir() if path.name.isdigit()) == [20, 30, 40]


def damage(folder: Path):
    files = [path for path in folder.rglob("*") if path.is_file() and path.stat().st_size > 1000]
    assert files
    for path in files:
        data = bytearray(path.read_bytes())
        middle = len(data) // 2
        data[middle : middle + 64] = bytes(64)
        path.write_bytes(data)


def test_a_damaged_checkpoint_is_passed_over_with_a_warning(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("gans"), "propagate", True)
    scores = [0.1, 0.2, 0.3, 0.4]
    whole = go([], Recorder(scores), tmp_path)
    damage(tmp_path / "40")
    again = Recorder([0.4])
    resumed = go(["trainer.resume=true"], again, tmp_path)
    assert "checkpoint 40" in caplog.text
    assert "damaged" in caplog.text
    assert again.logged[0][0] == 35
    assert_same(whole.state, resumed.state)


def test_all_checkpoints_damaged_is_one_clear_error(tmp_path):
    go([], Recorder([0.1] * 4), tmp_path)
    for step in ("30", "40"):
        damage(tmp_path / step)
    with pytest.raises(UserError, match=r"all checkpoints \(40, 30\) are damaged"):
        go(["trainer.resume=true"], Recorder([]), tmp_path)


def test_a_run_does_not_go_on_with_another_table(tmp_path):
    go(["trainer.steps=10"], Recorder([0.1]), tmp_path)
    with pytest.raises(UserError, match="not the one that this run began with"):
        go(["trainer.resume=true", "data.split_seed=1"], Recorder([]), tmp_path)


def test_a_run_that_diverges_keeps_the_last_finite_checkpoint(tmp_path):
    go(["trainer.steps=10"], Recorder([0.1]), tmp_path)
    overrides = ["trainer.resume=true", "optimizer.learning_rate=1e30", "optimizer.schedule=constant"]
    outcome = go(overrides, Recorder([0.1] * 4), tmp_path)
    assert outcome.status == "diverged"
    checkpoints = Checkpoints(tmp_path)
    step, tree, _ = checkpoints.latest()
    checkpoints.close()
    assert step == 10
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(tree["state"]))


def test_a_seed_does_not_depend_on_the_seeds_beside_it():
    alone = go(["seed=1", "trainer.steps=10", "optimizer.learning_rate=2e-5"], Recorder([0.1]))
    beside = go(["seed=0", "trainer.seeds=3", "trainer.steps=10", "optimizer.learning_rate=2e-5"], Recorder([0.1]))
    for a, b in zip(jax.tree.leaves(alone.state.generator), jax.tree.leaves(beside.state.generator), strict=True):
        np.testing.assert_allclose(a, b[1], atol=1e-6)


def test_the_host_looks_up_at_every_border():
    recorder = Recorder([0.1] * 4)
    go(["trainer.block=7", "trainer.evaluate_every=10", "trainer.checkpoint_every=16"], recorder)
    assert [step for step, _ in recorder.logged] == [7, 10, 16, 20, 27, 30, 32, 39, 40]


def test_the_fingerprint_of_a_run_sees_atoms():
    """Two tables that differ in nothing but the value of an atom have the same codes and scores."""
    rng = np.random.default_rng(0)
    ordinary, noise, zero = rng.permutation(400) + 10.5, rng.normal(size=400), rng.random(400) < 0.5

    def made(atom):
        return prepare(compose(SMALL), pa.table({"x": np.where(zero, atom, ordinary), "noise": noise}))

    one, two = made(0.5), made(1.5)
    assert np.array_equal(one.rows.codes, two.rows.codes)
    assert np.array_equal(one.rows.scalars, two.rows.scalars)
    assert one.fingerprint() == made(0.5).fingerprint()
    assert one.fingerprint() != two.fingerprint()


def test_digest_sees_values_names_types_and_shapes():
    tree = {"a": np.arange(4, dtype=np.float32)}
    others = [
        {"a": np.arange(4, dtype=np.float64)},
        {"b": tree["a"]},
        {"a": tree["a"].reshape(2, 2)},
        {"a": tree["a"] + 1},
    ]
    assert len({digest(other) for other in [tree, *others]}) == 5
    assert digest(tree) == digest({"a": tree["a"].copy()})


def test_a_step_is_traced_once(monkeypatch):
    """Tracing is Python's work, a sixth of the time to the first step when it was done for shapes and loop apart."""
    run = compose(["data=households", "data.limit=200", "trainer.batch_size=20"])
    ready = prepare(run)
    gan, seen = build(run, ready.condition), []
    step = loop.adversarial_step
    monkeypatch.setattr(loop, "adversarial_step", lambda *arguments: seen.append(1) or step(*arguments))
    jax.jit(loop.make_block(gan)).trace(loop.initial_state(gan, 0, 1), ready.rows, np.int32(1))
    assert len(seen) == 1
