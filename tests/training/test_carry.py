"""What is taken over stands where it belongs: networks of two tables agree on what these have in common."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
import pytest

from gans.config.compose import compose
from gans.config.run import Run
from gans.data.embedded import Households
from gans.errors import UserError
from gans.runs.build import build
from gans.runs.prepare import Prepared, prepare
from gans.streams import per_example
from gans.training.carry import Carried, carry
from gans.training.parameter_axes import axes_of, leaves
from gans.training.step import GAN, TrainState
from gans.training.transfer_settings import Transfer

TABLE = Households().read().slice(0, 1_500)
SMALL = {
    "tabular": ("network.width=16", "network.discriminator_width=24", "refine=none"),
    "ctgan": (),
    "wgan_gp": (),
    "cgan": ("data.target=married",),
    "vanilla": (),
}


def made(experiment: str, table: pa.Table, *overrides: str) -> tuple[Run, Prepared, GAN]:
    run = compose([f"+experiment={experiment}", "data.relations=[]", *SMALL[experiment], *overrides])
    ready = prepare(run, table)
    return ready.run, ready, build(ready.run, ready.condition)


def state_of(gan: GAN, seed: int) -> TrainState:
    state = jax.device_get(gan.init(np.uint32(seed)))

    def moved(leaf: np.ndarray) -> np.ndarray:
        return leaf + 0.3 * np.cos(np.arange(leaf.size, dtype=np.float32)).reshape(leaf.shape)

    noisy = {name: jax.tree.map(moved, getattr(state, name)) for name in ("generator", "discriminator", "average")}
    return state.replace(**noisy)


def used_one_way(state: TrainState) -> TrainState:
    """With couplings from earlier to later columns only, as training leaves them."""

    def upper(path: Any, leaf: np.ndarray) -> np.ndarray:
        return np.triu(leaf) if path[-1].key == "coupling" else leaf

    parts = {name: jax.tree_util.tree_map_with_path(upper, getattr(state, name)) for name in ("generator", "average")}
    return state.replace(**parts)


def between(old: tuple[Run, Prepared, GAN], state: TrainState, new: tuple[Run, Prepared, GAN], **given: Any) -> Carried:
    parts = {name: getattr(state, name) for name in ("generator", "statistics", "discriminator", "average")}
    return carry(Transfer(run="old", **given), new[0].network, new[2], old[0].network, old[2], parts)


@pytest.mark.parametrize("experiment", SMALL)
def test_of_the_same_table_everything_is_taken_over(experiment: str) -> None:
    old = made(experiment, TABLE)
    state = state_of(old[2], 1)
    carried = between(old, state, old)
    begun = carried.begin(jax.device_get(old[2].init(np.uint32(2))))
    for name in ("generator", "discriminator", "average", "statistics"):
        for (path, one), (_, other) in zip(leaves(getattr(begun, name)), leaves(getattr(state, name)), strict=True):
            both_ways = path.endswith("coupling")  # of two columns only one way is used, and which may turn round
            assert np.array_equal(one, other + other.T if both_ways else other), f"{name}.{path}"


@pytest.mark.parametrize("experiment", SMALL)
def test_the_discriminator_judges_rows_as_before_whatever_the_order_of_columns(experiment: str) -> None:
    """Columns backwards and with other names; a row gets the logit that it had."""
    old = made(experiment, TABLE)
    backwards = TABLE.select(TABLE.column_names[::-1])
    names = {"married": "wed", "income": "salary"}
    new_table = backwards.rename_columns([names.get(name, name) for name in backwards.column_names])
    new = made(experiment, new_table, *(["data.target=wed"] if experiment == "cgan" else []))
    state = state_of(old[2], 1)
    carried = between(old, state, new, columns={other: name for name, other in names.items()})
    begun = carried.begin(jax.device_get(new[2].init(np.uint32(2))))

    def logits(one: tuple[Run, Prepared, GAN], table: pa.Table, state: Any) -> np.ndarray:
        _, ready, gan = one
        encoded = ready.codec.encode(table, None)
        rest = ready.condition.rest(encoded)
        rows = gan.layout.wide(jnp.asarray(rest.scalars), jnp.asarray(rest.codes))
        condition = gan.condition.wide(jnp.asarray(ready.condition.codes(encoded)))
        keys = per_example(jax.random.key(0), len(rows) // gan.pack)
        return np.asarray(gan.critic(state.discriminator, gan.packed(rows), gan.packed(condition), keys))

    some = slice(0, 20 * old[2].pack)
    found = logits(old, TABLE.slice(0, some.stop), state), logits(new, new_table.slice(0, some.stop), begun)
    assert np.std(found[0]) > 0.01
    assert found[1] == pytest.approx(found[0], rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("experiment", ["tabular", "wgan_gp", "ctgan"])
def test_a_generator_makes_the_same_rows_under_other_names(experiment: str) -> None:
    old = made(experiment, TABLE)
    new_table = TABLE.rename_columns([f"{name}_2" for name in TABLE.column_names])
    new = made(experiment, new_table)
    state = used_one_way(state_of(old[2], 1))
    carried = between(old, state, new, columns={f"{name}_2": name for name in TABLE.column_names})
    begun = carried.begin(jax.device_get(new[2].init(np.uint32(2))))
    keys = per_example(jax.random.key(0), 32)
    rows = []
    for (_, ready, gan), own in ((old, state), (new, begun)):
        condition = gan.condition.wide(jnp.asarray(ready.condition.codes(ready.encoded)[:32]))
        average = jax.tree.map(jnp.asarray, own.average)
        rows.append(np.asarray(gan.generate(average, condition, keys, False)[0]))
    assert np.array_equal(*rows)


def test_levels_are_matched_by_their_names_and_what_is_new_begins_afresh() -> None:
    size = ["four" if value == 4 else "one" if value == 1 else "some" for value in TABLE["family_size"].to_pylist()]
    other = ["four" if value == 4 else "eight" if value == 8 else "some" for value in TABLE["family_size"].to_pylist()]
    base = TABLE.drop_columns(["family_size", "ira"])
    old = made("wgan_gp", base.append_column("size", [size]))
    new = made("wgan_gp", base.append_column("size", [other]).append_column("new", [size]).drop_columns(["gender"]))
    state = state_of(old[2], 1)
    carried = between(old, state, new)
    assert "size: taken over, 2 of 3 levels" in carried.lines
    assert "new: begins afresh" in carried.lines
    assert carried.lines[-1] == "not in this table: gender"
    fresh = jax.device_get(new[2].init(np.uint32(2)))
    begun = carried.begin(fresh)

    def row(one: tuple[Run, Prepared, GAN], state: Any, level: str) -> np.ndarray:
        fitted = one[1].codec["size"]
        place = one[2].layout.offsets[fitted.code] + fitted.levels.index(level)
        return np.asarray(state.discriminator["network"]["Dense_0"]["kernel"])[place]

    assert np.array_equal(row(new, begun, "four"), row(old, state, "four"))
    assert np.array_equal(row(new, begun, "eight"), row(new, fresh, "eight"))


def test_ranks_go_on_only_among_the_same_levels() -> None:
    size = np.array(TABLE["family_size"])
    base = TABLE.drop_columns(["family_size"])
    few, many = "codec.levels=2", "codec.levels=256"
    named = [base.append_column("size", [[f"of {value}" for value in one]]) for one in (size, size + 1)]
    old = made("wgan_gp", named[0], few)
    assert old[1].codec["size"].ranks
    state = state_of(old[2], 1)
    afresh = "size: begins afresh, since "
    numbers = base.append_column("size", [size])
    for table, setting, line in (
        (named[0], few, "size: taken over"),
        (named[1], few, f"{afresh}ranks of its levels mean nothing among others"),
        (named[0], many, f"{afresh}it was of another kind"),
        (numbers, many, f"{afresh}it was of another kind"),
    ):
        lines = between(old, state, made("wgan_gp", table, setting)).lines
        assert [one for one in lines if one.startswith(line)], lines


def test_axes_are_found_by_growing_the_layout() -> None:
    run, ready, gan = made("ctgan", TABLE)
    found = axes_of(run.network, gan.layout, sum(ready.condition.cardinalities), "discriminator")
    assert found["params.Dense_0.kernel"] == [(0, 10, 10, 10), (256, 0, 0, 0)]
    assert axes_of(run.network, gan.layout, 10, "generator")["params.Dense_2.kernel"] == [(640, 0, 0, 1), (0, 1, 1, 0)]


def test_what_is_frozen_stays_and_what_is_slow_moves_less() -> None:
    old = made("wgan_gp", TABLE)
    state = state_of(old[2], 1)
    layer = "discriminator.Dense_0"
    frozen = between(old, state, old, freeze=[layer]).slowed(old[2]).discriminator_optimizer
    slow = between(old, state, old, rate=0.1).slowed(old[2]).discriminator_optimizer
    ones = jax.tree.map(np.ones_like, state.discriminator)
    plain = old[2].discriminator_optimizer

    def moved(optimizer: Any) -> Any:
        return optimizer.update(ones, optimizer.init(state.discriminator), state.discriminator)[0]["network"]

    assert not np.any(moved(frozen)["Dense_0"]["kernel"])
    assert np.array_equal(moved(frozen)["Dense_1"]["kernel"], moved(plain)["Dense_1"]["kernel"])
    assert moved(slow)["Dense_1"]["kernel"] == pytest.approx(
        0.1 * np.asarray(moved(plain)["Dense_1"]["kernel"]), rel=1e-5
    )
    pulled = between(old, state, old, anchor=2.0).slowed(old[2]).discriminator_optimizer
    away = jax.tree.map(lambda leaf: leaf + 1, state.discriminator)
    nothing = jax.tree.map(np.zeros_like, away)
    towards = pulled.update(nothing, pulled.init(away), away)[0]
    assert all(np.all(leaf < 0) for leaf in jax.tree.leaves(towards))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"columns": {"pay": "income"}}, "column 'pay' is not learned of this table; learned are income"),
        ({"columns": {"income": "pay"}}, "column 'pay' is not learned of transfer.run=old"),
        ({"columns": {"income": "age"}}, "two columns take over 'age'"),
        (
            {"freeze": ["discriminator.Dense_9"]},
            "there is no 'discriminator.Dense_9'; layers are discriminator",
        ),
    ],
)
def test_settings_that_name_what_is_not_there_are_refused(given: dict[str, Any], said: str) -> None:
    old = made("wgan_gp", TABLE)
    with pytest.raises(UserError, match=said):
        between(old, state_of(old[2], 1), old, **given)


def test_networks_of_another_size_are_refused() -> None:
    old, new = made("vanilla", TABLE, "network.generator_widths=[64]"), made("vanilla", TABLE)
    with pytest.raises(UserError, match=r"its networks are not of this size or kind .at params.Dense_0.* set network"):
        between(old, state_of(old[2], 1), new)
