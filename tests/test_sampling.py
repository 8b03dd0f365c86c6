import io
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from gans.data.codecs import FittedCodec
from gans.sample import part_of
from gans.sampling import CHUNK, Sampler, load_sampler

N = 2 * CHUNK + 1_001
WHERE = [None, {"segment": "gold"}, {"age": 40}]


@pytest.fixture(scope="module")
def sampler(finished: Any) -> Sampler:
    return load_sampler(finished.path)[0]


@pytest.fixture(scope="module")
def whole(sampler: Sampler) -> list[pa.Table]:
    return [sampler.sample(N, 1, where) for where in WHERE]


@pytest.mark.parametrize("case", range(len(WHERE)))
@pytest.mark.parametrize(("parts", "rows"), [(1, 1_000), (1, CHUNK), (2, 3 * CHUNK), (3, 5_000), (7, 4_097)])
def test_parts_join_to_the_whole(sampler: Sampler, whole: list[pa.Table], case: int, parts: int, rows: int) -> None:
    tables: list[pa.Table] = []
    for part in range(1, parts + 1):
        start, stop = part_of(f"{part}/{parts}", N)
        mine = list(sampler.stream(N, 1, WHERE[case], (), start, stop, rows))
        assert sum(table.num_rows for table in mine) == stop - start
        assert 0 < min(table.num_rows for table in mine) <= max(table.num_rows for table in mine) <= rows
        tables += mine
    assert pa.concat_tables(tables).equals(whole[case])
    for name, value in (WHERE[case] or {}).items():
        assert set(whole[case][name].to_pylist()) == {value}


@pytest.mark.parametrize("case", range(len(WHERE)))
def test_a_longer_draw_begins_with_a_shorter_one(sampler: Sampler, whole: list[pa.Table], case: int) -> None:
    for n in (1, CHUNK - 5, CHUNK, CHUNK + 1):
        assert sampler.sample(n, 1, WHERE[case]).equals(whole[case].slice(0, n))
    assert not whole[case].slice(0, 50).equals(sampler.sample(50, 2, WHERE[case]))
    for start in (CHUNK, 2 * CHUNK):  # chunks are no copies of each other
        assert not whole[case].slice(start, 50).equals(whole[case].slice(0, 50))


def test_rows_far_out_cost_no_more(sampler: Sampler) -> None:
    n = 2**31
    (last,) = sampler.stream(n, 1, start=n - 10)
    (fewer,) = sampler.stream(n, 1, start=n - 3)
    assert last.slice(7).equals(fewer)
    assert len(set(last["income"].to_pylist())) > 5


@pytest.mark.parametrize(("n", "parts"), [(10, 1), (10, 3), (10, 10), (10_000_000, 7)])
def test_parts_are_even_and_lie_end_to_end(n: int, parts: int) -> None:
    spans = [part_of(f"{part}/{parts}", n) for part in range(1, parts + 1)]
    assert [start for start, _ in spans] == [0, *(stop for _, stop in spans[:-1])]
    assert spans[-1][1] == n
    sizes = [stop - start for start, stop in spans]
    assert max(sizes) - min(sizes) <= 1 <= min(sizes)


@pytest.mark.parametrize("n", ["10", "1_0", "1e1", "10.0", "0.1e2"])
def test_n_as_people_write_it(finished: Any, command: Callable[..., Any], n: str) -> None:
    done = command("sample", f"run={finished.path}", f"n={n}", "out=rows.parquet")
    assert (done.status, pq.read_metadata("rows.parquet").num_rows) == (0, 10)


def test_files_of_parts_join_to_the_file_of_the_whole(finished: Any, command: Callable[..., Any]) -> None:
    given = (f"run={finished.path}", "n=100", "seed=5", "where=segment == 'gold'")
    assert command("sample", *given, "out=whole.parquet").status == 0
    for part in (1, 2, 3):
        assert command("sample", *given, f"part={part}/3", f"out={part}.parquet").status == 0
    parts = [pq.read_table(f"{part}.parquet") for part in (1, 2, 3)]
    assert [part.num_rows for part in parts] == [33, 33, 34]
    assert pa.concat_tables(parts).equals(pq.read_table("whole.parquet"))


@pytest.mark.parametrize("out", ["rows.parquet", "rows.csv"])
def test_ctrl_c_leaves_the_old_file(
    finished: Any, command: Callable[..., Any], out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the third table is made."""
    (tmp_path / out).write_text("old")
    decode, there = FittedCodec.decode, []

    def press(self: FittedCodec, encoded: Any) -> pa.Table:
        there.append({path.name for path in tmp_path.iterdir()})
        if len(there) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return decode(self, encoded)

    def small(self: Sampler, n: int, *given: Any) -> Any:
        return stream(self, n, *given, rows=500)

    stream = Sampler.stream
    monkeypatch.setattr(FittedCodec, "decode", press)
    monkeypatch.setattr(Sampler, "stream", small)
    done = command("sample", f"run={finished.path}", "n=1e5", f"out={out}")
    assert (done.status, done.out, done.err) == (130, "", "interrupted\n")
    assert 3 <= len(there) < 100  # of 200 tables
    assert len(there[2]) == 2
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(out, "old")]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full")
@pytest.mark.parametrize("out", ["rows.parquet", "rows.csv"])
def test_a_full_disk_is_one_error(
    finished: Any, command: Callable[..., Any], out: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(dir: Path, prefix: str, suffix: str) -> tuple[int, str]:
        path = dir / f"{prefix}{suffix}"
        path.symlink_to("/dev/full")
        return os.open(path, os.O_WRONLY), str(path)

    monkeypatch.setattr(tempfile, "mkstemp", full)
    done = command("sample", f"run={finished.path}", "n=20000", f"out={out}")
    assert (done.status, done.out) == (2, "")
    assert done.err == f"error: cannot write {out}: No space left on device; what was written before is whole.\n"
    assert list(tmp_path.iterdir()) == []


def test_the_bar_tells_rows(finished: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.tracking import terminal

    screen = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=screen, force_terminal=True, width=120))
    assert command("sample", f"run={finished.path}", "n=300_000", "out=rows.parquet").status == 0
    lines = [line for line in screen.getvalue().splitlines() if "300,000/300,000" in line]
    for text in ("rows.parquet", "rows/s", "left"):
        assert text in lines[-1]


@pytest.mark.slow
@pytest.mark.parametrize("out", ["rows.parquet", "rows.csv"])
def test_memory_does_not_grow_with_rows(finished: Any, tmp_path: Path, out: str) -> None:
    """Peak memory of four million rows against that of four hundred thousand; the long table alone is 240 MB."""
    program = "import resource, sys; from gans.sample import main; main(); print(resource.getrusage(0).ru_maxrss)"

    def peak(n: str) -> int:
        """KiB."""
        given = (f"run={finished.path}", f"n={n}", f"out={tmp_path / out}")
        done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=True)
        return int(done.stdout)

    short, long = peak("400_000"), peak("4e6")
    assert long - short < 100 * 1024
    assert long < 2 * 1024 * 1024
