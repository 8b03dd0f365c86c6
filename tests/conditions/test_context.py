"""Conditions on the same columns in every row."""

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa

from gans.conditions.context import Context
from gans.data.codecs.quantile import Quantile
from gans.data.detection import detect, normalise

ROWS = 300
RNG = np.random.default_rng(0)
TABLE = normalise(
    pa.table(
        {
            "plan": RNG.choice(["basic", "gold", "free"], ROWS),
            "age": RNG.integers(18, 90, ROWS),
            "vip": RNG.random(ROWS) < 0.3,
            "channel": RNG.choice(["app", "shop", "web", "phone"], ROWS),
            "visits": np.where(RNG.random(ROWS) < 0.4, 0, RNG.integers(1, 500, ROWS)),
        }
    )
)
CODEC = Quantile().fit(TABLE, detect(TABLE, {}))
ENCODED = CODEC.encode(TABLE)


def test_a_condition_gives_the_context_of_every_row_and_flagged_columns_where_the_flag_is_true() -> None:
    rule = Context(columns=["plan", "age", "vip"], flagged=["channel"], flag="vip")
    fitted = rule.fit(CODEC, ENCODED)
    real = CODEC.layout.wide(jnp.asarray(ENCODED.scalars), jnp.asarray(ENCODED.codes))
    found = fitted.reveal(real, jnp.zeros((ROWS, 0), jnp.int32), jax.random.split(jax.random.key(0), ROWS))
    wide, masks = np.split(np.asarray(found), [CODEC.layout.width], axis=1)
    names = [column.column.name for column in CODEC.columns]
    given = dict(zip(names, masks.T, strict=True))
    assert all(given[name].all() for name in rule.columns)
    assert not given["visits"].any()
    np.testing.assert_array_equal(given["channel"], np.asarray(TABLE["vip"]))
    np.testing.assert_array_equal(wide, np.asarray(real) * masks[:, np.array(CODEC.layout.columns)])


def test_the_layout_knows_which_codes_are_always_given() -> None:
    layout = Context(columns=["plan", "age", "vip"], flagged=["channel"], flag="vip").fit(CODEC, ENCODED).layout
    assert layout.partial
    assert set(layout.context) == {CODEC[name].code for name in ("plan", "vip")}
