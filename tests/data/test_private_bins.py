"""Curves of bins: what many rows say is kept, and what is noise is not."""

import numpy as np
import pyarrow as pa
import pytest

from gans.data.declared import Declared
from gans.data.domain import Domain
from gans.data.layout import Encoded
from gans.data.private_bins import PARTS, bend_bins, curve, part_edges
from gans.privacy.ledger import Ledger


def test_parts_of_whole_numbers_are_whole_numbers() -> None:
    assert np.allclose(part_edges(9.501, 14.499, True), [9.501, 10.5, 11.5, 12.5, 13.5, 14.499])
    assert np.allclose(part_edges(6.501, 7.499, True), [6.501, 7.499])
    many = part_edges(0.501, 1_000.499, True)
    assert len(many) == PARTS + 1
    assert np.all(np.diff(many) > 30)
    assert len(part_edges(0, 1, False)) == PARTS + 1


def test_noise_alone_leaves_a_bin_even() -> None:
    edges, noise = np.linspace(0, 1, 33), np.random.default_rng(0).normal(0, 50, 32)
    knots = curve(edges, 10 + noise, 50.0)
    assert np.abs(knots.low - np.linspace(-1, 1, 33)).max() < 0.3
    assert np.array_equal(curve(edges, np.full(32, -4.0), 50.0).low, np.linspace(-1, 1, 33, dtype=np.float32))
    assert np.array_equal(curve(np.array([0.0, 1.0]), np.array([7]), 5.0).low, [-1, 1])


@pytest.mark.parametrize("kind", ["integer", "numeric", "datetime"])
def test_a_value_that_many_rows_have_comes_back_as_often(kind: str) -> None:
    """Seven in ten rows have one value of a bin; by straight bins it would be one in twenty."""
    rng = np.random.default_rng(0)
    values = np.where(rng.random(20_000) < 0.7, 50, rng.integers(40, 60, 20_000))
    array = pa.array(values.astype(float) if kind == "numeric" else values)
    ends = (0, 99)
    if kind == "datetime":
        array, ends = pa.array(values.astype("datetime64[D]")), ("1970-01-01", "1970-04-10")
    declared = Declared(
        name="a", kind=kind, low=ends[0], high=ends[1], bins=5, decimals=0 if kind == "numeric" else None
    )
    domain, table = Domain([declared]), pa.table({"a": array})
    codec = domain.codec()
    ledger = Ledger(1.0, 1e-5)
    bend_bins(codec, domain.encode(table, codec), ledger, 0.001)
    assert ledger.spent == pytest.approx(0.001)
    encoded = domain.encode(table, codec)
    within = rng.uniform(-1, 1, encoded.scalars.shape).astype(np.float32)
    back = codec.decode(Encoded(within, encoded.codes))["a"]
    if kind == "datetime":
        back = back.cast(pa.int32())
    made = back.to_numpy().astype(float)
    assert np.mean(np.abs(made - 50) <= (2 if kind == "numeric" else 0)) == pytest.approx(
        np.mean(values == 50), abs=0.12
    )
    assert (domain.encode(codec.decode(Encoded(within, encoded.codes)), codec).codes == encoded.codes).mean() > 0.999
