"""A hundred broken text files: each is read right, or refused in one line; none is read in half."""

import csv
import io
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gans.data.files import read_table
from gans.errors import UserError

G = np.random.default_rng(0)


def read(folder: Path, content: bytes) -> pa.Table:
    (folder / "t.csv").write_bytes(content)
    return read_table(str(folder / "t.csv"), "data.path")


def base() -> bytes:
    rows = [
        [str(G.integers(9)), f"{G.normal():.3f}", ["Köln", 'say "x"', "a, b", "two\nlines"][G.integers(4)]]
        for _ in range(40)
    ]
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([["n", "x", "words"], *rows])
    return out.getvalue().encode()


def broken(content: bytes, seed: int) -> bytes:
    rng = np.random.default_rng(seed)
    at, lines = int(rng.integers(1, len(content))), content.split(b"\n")
    line = int(rng.integers(len(lines)))
    kinds = [
        lambda: content[:at],
        lambda: content[:at] + b"," + content[at:],
        lambda: content[:at] + b'"' + content[at:],
        lambda: content[:at] + content[at + 1 :],
        lambda: b"\n".join([*lines[:line], lines[0], *lines[line:]]),
        lambda: b"\n".join([*lines[:line], "3,1.5,Zürich".encode("cp1252"), *lines[line:]]),
        lambda: content[:at] + b"\0" + content[at:],
        lambda: b"\n".join([*lines[:line], b"4,2.5," + b"x" * 300_000, *lines[line:]]),
        lambda: content.replace(b"\n", b"\r\n", int(rng.integers(1, 20))),
        lambda: bytes([*content[:at], int(rng.integers(256)), *content[at + 1 :]]),
        lambda: b"\n".join([*lines[:line], b"", *lines[line:]]),
        lambda: content + b";".join(lines[:line]),
        lambda: b"\n".join([b"Report of 2024", *lines]),
        lambda: b"\n".join([*lines, b"Total,,40"]),
    ]
    return kinds[seed % len(kinds)]()


def same(text: str, value: Any) -> bool:
    if value is None:
        return text == "" or not any(sign.isdigit() for sign in text)
    return float(text) == value if isinstance(value, (int, float)) else text == value


def test_broken_files_are_read_right_or_refused_in_one_line(tmp_path: Path) -> None:
    messages, right = [], 0
    for seed in range(126):
        content = broken(base(), seed)
        try:
            table = read(tmp_path, content)
        except UserError as error:
            messages.append(str(error))
            continue
        text = content.decode("utf-8").replace("\r\n", "\n")
        records = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
        assert table.num_rows == len(records) - 1, seed
        assert table.column_names == [name.strip() or f"column{place}" for place, name in enumerate(records[0], 1)], (
            seed
        )
        for place, values in enumerate(table.columns):
            texts = [row[place].strip() if not pa.types.is_string(values.type) else row[place] for row in records[1:]]
            assert all(map(same, texts, values.to_pylist())), seed
        right += 1
    assert not [message for message in messages if "\n" in message]
    assert right >= 20
    assert len(messages) >= 40
