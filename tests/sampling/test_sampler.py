import io
import os
import re
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
from gans.data.relations import parse_relation
from gans.errors import UserError
from gans.runs.saved import SavedRun
from gans.sample import part_of
from gans.sampling import chunks
from gans.sampling.chunks import CHUNK, Request
from gans.sampling.matching import MatchingRows
from gans.sampling.sampler import Sampler
from gans.sampling.where.plan import Plan, make_plan

N = 2 * CHUNK + 1_001
WHERE = [None, {"segment": "gold"}, {"age": 40}]


@pytest.fixture(scope="module")
def sampler(finished: Any) -> Sampler:
    return SavedRun.open(finished.path).sampler()


@pytest.fixture(scope="module")
def whole(sampler: Sampler) -> list[pa.Table]:
    return [sampler.sample(N, 1, where) for where in WHERE]


@pytest.mark.parametrize("case", range(len(WHERE)))
@pytest.mark.parametrize(("parts", "rows"), [(1, 1_000), (1, CHUNK), (2, 3 * CHUNK), (3, 5_000), (7, 4_097)])
def test_parts_join_to_the_whole(
    sampler: Sampler, whole: list[pa.Table], case: int, parts: int, rows: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampler, "table_rows", rows)
    tables: list[pa.Table] = []
    for part in range(1, parts + 1):
        start, stop = part_of(f"{part}/{parts}", N)
        mine = list(sampler.stream(N, 1, WHERE[case], (), start, stop))
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


def test_rows_do_not_depend_on_the_number_of_threads(related: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    refined, tables = SavedRun.open(related.path).sampler(), []
    assert refined.refinement is not None
    for threads in (1, 5):
        monkeypatch.setattr(chunks, "THREADS", threads)
        tables.append(refined.sample(N, 1))
    assert tables[0].equals(tables[1])


@pytest.fixture(scope="module")
def any_column(related: Any) -> Sampler:
    """Of a model that can be given any column; without its refinement, which costs twice the time."""
    sampler = SavedRun.open(related.path).sampler()
    sampler.refinement = None
    return sampler


def follows(table: pa.Table) -> bool:
    """Whether every relation of the training table holds, counted by hand."""
    rows = table.to_pylist()
    country = dict(
        zip(("Rome", "Milan", "Lyon", "Paris", "Bonn", "Ulm"), ["IT", "IT", "FR", "FR", "DE", "DE"], strict=True)
    )
    return all(
        row["country"] == country[row["city"]]
        and row["total"] == row["fee"] + row["tax"]
        and row["opened"] <= row["closed"]
        and (row["plan"] != "basic" or row["channel"] == "web")
        for row in rows
    )


@pytest.mark.parametrize(
    ("where", "fits"),
    [
        ("city == 'Rome'", lambda row: row["city"] == "Rome"),
        ("plan == 'pilot'", lambda row: row["plan"] == "pilot"),  # 1% of the training rows
        ("city in ('Rome', 'Bonn')", lambda row: row["city"] in ("Rome", "Bonn")),
        ("30 <= age < 45 and age != 40", lambda row: 30 <= row["age"] < 45 and row["age"] != 40),
        ("visits is null", lambda row: row["visits"] is None),
        ("visits >= 5", lambda row: row["visits"] is not None and row["visits"] >= 5),
        ("country == 'FR'", lambda row: row["country"] == "FR"),
        ("total == 30", lambda row: row["total"] == 30),
        ("closed < 2005", lambda row: row["closed"] < 2005),
        (
            "plan == 'pilot' and country != 'IT' and age > 80",
            lambda row: row["plan"] == "pilot" and row["country"] != "IT" and row["age"] > 80,
        ),
        ("spend > 300 and visits == 8", lambda row: row["spend"] > 300 and row["visits"] == 8),
    ],
)
def test_every_row_satisfies_where_on_any_column(any_column: Sampler, where: str, fits: Any) -> None:
    rows = any_column.sample(120, 1, where)
    assert rows.num_rows == 120
    assert all(fits(row) for row in rows.to_pylist())
    assert follows(rows)
    assert len(set(rows["age"].to_pylist())) > 5  # the other columns vary
    assert rows.slice(0, 20).equals(any_column.sample(20, 1, where))


def matching(sampler: Sampler, plan: Plan) -> MatchingRows:
    return MatchingRows(sampler.chunks(), sampler.marginals, plan, 1)


def test_what_follows_from_a_column_is_asked_of_it_too(any_column: Sampler) -> None:
    """A city that the generator makes is kept where its country is the one that is asked for."""
    plan = make_plan("country == 'FR' and age > 40 and city != 'Lyon'", [], any_column.marginals)
    rows_that_fit = matching(any_column, plan)
    made = any_column.chunks().chosen(Request(1, 0))
    city = any_column.codec.decode_column("city", made).to_pylist()
    assert rows_that_fit._satisfied("city", made).tolist() == [name == "Paris" for name in city]
    assert 0 < rows_that_fit._satisfied("age", made).sum() < len(city)


def test_candidates_of_a_refinement_are_among_the_rows_that_fit(related: Any) -> None:
    sampler = SavedRun.open(related.path).sampler()
    plan = make_plan("city in ('Rome', 'Bonn') and age < 60", [], sampler.marginals)
    rows_that_fit = matching(sampler, plan)
    assert (rows_that_fit.gives_columns, rows_that_fit.candidates) == (False, 2)
    rows = rows_that_fit.table(0, CHUNK + 300)
    assert all(row["city"] in ("Rome", "Bonn") and row["age"] < 60 for row in rows.to_pylist())
    assert rows_that_fit.table(0, 40).equals(rows.slice(0, 40))
    assert rows_that_fit.table(CHUNK, CHUNK + 7).equals(rows.slice(CHUNK, 7))
    sampler.refinement = None
    assert not matching(sampler, plan).table(0, 40).equals(rows.slice(0, 40))


def test_a_mapping_says_the_same_as_the_text(any_column: Sampler) -> None:
    text = any_column.sample(30, 1, "city in ('Rome', 'Ulm') and 30 <= age < 45 and visits is null")
    mapping = {"city": {"Rome", "Ulm"}, "age": slice(30, 45), "visits": None}
    assert text.equals(any_column.sample(30, 1, mapping))


@pytest.mark.parametrize("texts", [["fee <= age"], ["if city == 'Rome' then plan == 'gold'", "tax <= fee"]])
def test_further_relations_hold_beside_the_known_ones(any_column: Sampler, texts: list[str]) -> None:
    relations = [parse_relation(text) for text in texts]
    rows = any_column.sample(200, 1, "age < 80", relations)
    assert follows(rows)
    assert max(rows["age"].to_pylist()) < 80
    for row in rows.to_pylist():
        if len(texts) == 1:
            assert row["fee"] <= row["age"]
        else:
            assert row["tax"] <= row["fee"]
            assert row["city"] != "Rome" or row["plan"] == "gold"
    free = any_column.sample(200, 1, "age < 80").to_pylist()
    assert not all(row["fee"] <= row["age"] and row["tax"] <= row["fee"] for row in free)


def test_relations_of_the_command_hold(related: Any, command: Callable[..., Any]) -> None:
    given = (f"run={related.path}", "n=80", "where=country == 'IT'", "relations=fee <= age; tax <= fee", "refine=false")
    assert command("sample", *given, "out=rows.parquet").status == 0
    rows = pq.read_table("rows.parquet")
    assert rows.num_rows == 80
    assert follows(rows)
    assert all(r["tax"] <= r["fee"] <= r["age"] and r["country"] == "IT" for r in rows.to_pylist())


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("fee == 10 and total == 5", ("fee == 10 and total == 5", "only 0 of", "total = fee + tax")),
        ("opened > 2015 and closed < 2010", ("opened > 2015 and closed < 2010", "opened <= closed")),
        ("country == 'IT' and city == 'Paris'", ("country == 'IT'", "city == 'Paris'", "city -> country")),
    ],
)
def test_what_cannot_be_says_which_relation_it_meets(
    any_column: Sampler, where: str, said: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gans.sampling.matching.ROUNDS", 8)
    with pytest.raises(UserError) as error:
        any_column.sample(10, 1, where)
    for words in said:
        assert words in str(error.value)


def test_a_relation_that_needs_a_table_is_refused_at_sampling(any_column: Sampler) -> None:
    with pytest.raises(UserError, match=r"'plan -> channel'.*learned from a table"):
        any_column.sample(10, 1, None, [parse_relation("plan -> channel")])


def test_a_run_without_subsets_draws_until_enough_fit(sampler: Sampler, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = sampler.sample(300, 1, "income > 1050 and visits is null")
    assert rows.num_rows == 300
    assert all(row["income"] > 1050 and row["visits"] is None for row in rows.to_pylist())
    monkeypatch.setattr("gans.sampling.matching.MOST_CHUNKS", 2)
    value = sampler.marginals.values("income").to_pylist()[0]
    with pytest.raises(UserError, match=r"only \d+ of 8,192 drawn rows match, but 300 are needed.*condition=subsets"):
        sampler.sample(300, 1, {"income": value})


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

    monkeypatch.setattr(FittedCodec, "decode", press)
    monkeypatch.setattr(Sampler, "table_rows", 500)
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
    assert done.err == f"error: cannot write {out}: No space left on device; existing files are intact.\n"
    assert list(tmp_path.iterdir()) == []


def test_the_bar_tells_rows(finished: Any, command: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    from gans.tracking import terminal

    screen = io.StringIO()
    monkeypatch.setattr(terminal, "console", Console(file=screen, force_terminal=True, width=120))
    assert command("sample", f"run={finished.path}", "n=300_000", "out=rows.parquet").status == 0
    lines = [line for line in screen.getvalue().splitlines() if "300,000/300,000" in line]
    for text in ("rows.parquet", " rows ", "/s"):
        assert text in lines[-1]


@pytest.mark.slow
@pytest.mark.parametrize("out", ["rows.parquet", "rows.csv"])
def test_memory_does_not_grow_with_rows(finished: Any, tmp_path: Path, out: str) -> None:
    """Peak memory of four million rows against that of four hundred thousand; the long table alone is 240 MB."""
    program = (
        "import atexit, runpy; atexit.register(lambda: print(open('/proc/self/status').read())); "
        "runpy.run_module('gans.sample', run_name='__main__')"
    )

    def peak(n: str) -> int:
        """KiB of the program itself; ru_maxrss begins at what the process that started it had."""
        given = (f"run={finished.path}", f"n={n}", f"out={tmp_path / out}")
        done = subprocess.run([sys.executable, "-c", program, *given], capture_output=True, text=True, check=True)
        return int(re.findall(r"VmHWM:\s+(\d+) kB", done.stdout)[0])

    short, long = peak("400_000"), peak("4e6")
    assert long - short < 100 * 1024
    assert long < 2 * 1024 * 1024
