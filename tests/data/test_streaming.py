"""Parquet files in windows: every training row comes, none that is held out, the same ones after a restart."""

from collections import Counter
from itertools import combinations, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.config.compose import compose
from gans.data.codecs import FittedCodec
from gans.data.files import TableFile
from gans.data.layout import Encoded
from gans.data.streaming import EncodedWindows, ParquetStream, stream_seed
from gans.errors import UserError
from gans.runs.prepare import prepare

ROWS, GROUP = 5_000, 700


def table(rows: int = ROWS) -> pa.Table:
    rng = np.random.default_rng(0)
    plan = rng.choice(["free", "gold", "plus"], rows).astype(object)
    plan[rows // 2] = "pilot"  # a level of one row
    spend = rng.gamma(2, 50, rows)
    spend[rows // 3] = 1e6
    visits = pa.array(rng.integers(0, 90, rows), mask=np.arange(rows) == rows - 7)
    return pa.table({"row": np.arange(rows) * 1.5 + 0.25, "plan": plan.tolist(), "spend": spend, "visits": visits})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pq.write_table(table(), tmp_path / "rows.parquet", row_group_size=GROUP)
    return tmp_path / "rows.parquet"


def test_an_epoch_of_pieces_is_every_training_row_once(path: Path) -> None:
    stream = ParquetStream(path, 600, 0.1, 0)
    windows = list(islice(stream.pieces(), 12))
    assert all(sum(end - first for *_, first, end in window) == 600 for window in windows)
    seen = Counter((group, row) for window in windows for epoch, group, first, end in window
                   for row in range(first, end) if epoch == 0)  # fmt: skip
    assert set(seen.values()) == {1}
    assert len(seen) == sum(stream.counts)
    assert len({group for _, group, *_ in windows[0]}) > 1  # rows of several row groups are mixed


def test_the_sample_has_every_level_every_missing_value_and_the_bounds(path: Path) -> None:
    stream = ParquetStream(path, 300, 0.1, 3)
    sample, held = stream.scan()
    assert 250 < sample.num_rows < 400
    assert 400 < held.num_rows < 600
    assert set(sample["plan"].to_pylist()) | set(held["plan"].to_pylist()) == {"free", "gold", "plus", "pilot"}
    assert sample["visits"].null_count + held["visits"].null_count == 1
    assert max(*sample["spend"].to_pylist(), *held["spend"].to_pylist()) == 1e6
    assert not set(sample["row"].to_pylist()) & set(held["row"].to_pylist())


def windows(path: Path, window: int = 600, seed: int = 0) -> tuple[EncodedWindows, pa.Table, pa.Table]:
    source = TableFile(path=str(path), stream=True, window=window, split_seed=seed)
    stream, split = source.streamed(), source.split()
    assert stream is not None
    codec = compose(["codec=quantile"]).codec.fit(split.training, split.schema)
    return EncodedWindows(stream, codec), split.training, split.holdout


def test_windows_hold_training_rows_only_and_are_the_same_again(path: Path) -> None:
    source, _, held = windows(path)
    encoded = [source.window(number) for number in range(9)]
    assert all(rows.scalars.shape == (600, 3) for rows in encoded)
    plans = source.codec.decode(encoded[4])["plan"].to_pylist()
    assert set(plans) >= {"free", "gold", "plus"}
    again, _, _ = windows(path)
    for number in (4, 2, 8):  # in another order, as a resumed run asks
        for left, right in zip(again.window(number), encoded[number], strict=True):
            np.testing.assert_array_equal(left, right)
    rows = {round(value, 2) for window in encoded for value in source.codec.decode(window)["row"].to_pylist()}
    real = set(table()["row"].to_pylist()) - set(held["row"].to_pylist())
    assert len(rows & real) > 0.1 * len(real)  # numbers of a column of 5,000 distinct ones come back near themselves


def test_streams_of_neighbouring_seeds_epochs_and_row_groups_are_independent(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = [(seed, epoch, group) for seed in range(3) for epoch in range(3) for group in range(3)]
    draws = [
        np.random.default_rng(stream_seed(name, *place)).random(1_000)
        for name in ("groups", "rows", "encoding")
        for place in places
    ]
    correlations = np.asarray(np.corrcoef(draws))[np.triu_indices(len(draws), 1)]
    assert np.abs(correlations).max() < 0.2
    seeds: list[tuple[int, ...]] = []
    encode = FittedCodec.encode

    def recording(codec: FittedCodec, table: pa.Table, seed: tuple[int, ...]) -> Encoded:
        seeds.append(seed)
        return encode(codec, table, seed)

    sources = [windows(path, seed=seed)[0] for seed in (0, 1)]
    monkeypatch.setattr(FittedCodec, "encode", recording)
    for source in sources:
        for number in range(25):  # three epochs
            source.window(number)
    assert len(seeds) > 40
    assert len({np.random.default_rng((*seed, 0)).random() for seed in seeds}) == len(seeds)


def test_tied_numbers_are_spread_differently_in_each_stream(path: Path) -> None:
    source, sample, _ = windows(path)
    visits = source.codec["visits"].scalar
    spread = [source.codec.encode(sample, seed).scalars[:, visits] for seed in (0, (0, 1), (1, 0), (0, 0, 1))]
    for one, other in combinations(spread, 2):
        assert (one != other).mean() > 0.9
    np.testing.assert_array_equal(spread[0], source.codec.encode(sample, (0,)).scalars[:, visits])


def test_rows_with_a_level_that_the_sample_lacks_are_left_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.data import streaming

    monkeypatch.setattr(streaming, "MOST_LEVELS", 0)
    for seed in range(20):
        source, sample, held = windows(path, 100, seed)
        if "pilot" not in sample["plan"].to_pylist() + held["plan"].to_pylist():
            break
    else:
        raise AssertionError("every seed draws the one row")
    for number in range(60):
        source.window(number)
    assert source.left_out >= 1


def test_a_small_file_is_read_whole_and_a_large_one_is_streamed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.data import files

    assert TableFile(path=str(path)).streamed() is None
    assert TableFile(path=str(path)).streamed(table()) is None
    monkeypatch.setattr(files, "free_memory", lambda: 1_000)
    stream = TableFile(path=str(path)).streamed()
    assert stream is not None
    assert "5,000 rows" in stream.line()
    assert TableFile(path=str(path), stream=False).streamed() is None


def test_training_on_a_stream(path: Path, tmp_path: Path) -> None:
    from gans.runs.execute import execute

    overrides = ["data=table", f"data.path={path}", "data.stream=true", "data.window=500", "+debug=limit",
                 "data.limit=null", "trainer.steps=30", "network.generator_widths=[8]",
                 "network.discriminator_widths=[8]", "data.relations=[]"]  # fmt: skip
    ready = prepare(compose(overrides))
    assert ready.windows is not None
    assert ready.windows.steps == 500 // (100 * 2)
    assert ready.run.data.stream is True  # pyright: ignore[reportAttributeAccessIssue]
    result = execute(compose([*overrides, f"run_dir={tmp_path / 'run'}"]), show=False)
    assert result.status == "completed"
    assert set(result.sampler.sample(500)["plan"].to_pylist()) <= {"free", "gold", "plus", "pilot"}


def test_what_cannot_be_streamed_is_said(tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_text("no parquet")
    with pytest.raises(UserError, match="not a readable Parquet file"):
        TableFile(path=str(tmp_path / "rows.parquet"), stream=True).split()
    with pytest.raises(UserError, match=r"data\.stream=true"):
        TableFile(path="rows.csv", stream=True)
    with pytest.raises(UserError, match=r"data\.limit=9: a stream has no limit"):
        TableFile(path="rows.parquet", stream=True, limit=9)
    pq.write_table(table(2), tmp_path / "few.parquet")
    with pytest.raises(UserError, match="has 2 rows"):
        TableFile(path=str(tmp_path / "few.parquet"), stream=True).split()
