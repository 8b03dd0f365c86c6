"""Files of a run that are damaged or made to hurt: one line names the file, and little memory is taken."""

import io
import json
import re
import resource
import shutil
import struct
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gans.errors import UserError
from gans.runs.record import read_record
from gans.runs.saved import SavedRun

HEADROOM = 3 * 2**30  # bytes of address space beyond what the process has when it opens a file
FILES = {
    "config.yaml": lambda run: (run.run, read_record(run.folder)),
    "schema.json": lambda run: run.codec,
    "summary.json": lambda run: run.summary,
    "metrics.jsonl": lambda run: run.history,
    "samples.parquet": lambda run: run.samples,
    "checkpoints/codec.npz": lambda run: run.codec,
    "checkpoints/condition.npz": lambda run: run.gan,
    "checkpoints/marginals.npz": lambda run: run.blank_sampler,
    "checkpoints/refinement.npz": lambda run: run.run.refine.load(run.files.refinement, run.codec),
}
ARRAYS = [name for name in FILES if name.endswith(".npz")]


def half(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    """A bit in every hundredth byte."""
    out = bytearray(content)
    out[7::100] = bytes(byte ^ 4 for byte in out[7::100])
    return bytes(out)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": half,
    "without its end": lambda content: content[:-3],
    "flipped": flipped,
    "one bit": lambda content: content[: len(content) // 3] + b"\xff" + content[len(content) // 3 + 1 :],
    "zeros": lambda content: bytes(len(content)),
    "ones": lambda content: b"\xff" * len(content),
    "nested": lambda content: b"[" * 200_000,
    "a list": lambda content: b"[1]",
    "a mapping": lambda content: b'{"components": 3, "columns": {}, "step": []}\n',
    "null": lambda content: b"null",
    "twice": lambda content: content + content,
}


@pytest.fixture(scope="module")
def run(related: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of a finished run, changed and mended by each test."""
    folder = tmp_path_factory.mktemp("hostile") / "run"
    shutil.copytree(related.path, folder)
    return folder


@pytest.fixture
def limited() -> Iterator[None]:
    """More than a few GiB beyond what this process has cannot be allocated."""
    if sys.platform != "linux":
        yield
        return
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + HEADROOM, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


@pytest.fixture
def changed(run: Path) -> Iterator[Callable[[str, bytes], None]]:
    """A function that changes a file of the run; it is mended behind the test."""
    kept: dict[Path, bytes] = {}

    def change(name: str, content: bytes) -> None:
        kept.setdefault(run / name, (run / name).read_bytes())
        (run / name).write_bytes(content)

    yield change
    for path, content in kept.items():
        path.write_bytes(content)


def said(run: Path, name: str) -> str:
    """What opening says, one line that names the file; "" where it can be read."""
    text = ""
    try:
        FILES[name](SavedRun.open(run))
    except UserError as error:
        text = str(error)
    assert "\n" not in text
    assert len(text) < 600
    return text


@pytest.mark.parametrize("name", FILES)
@pytest.mark.usefixtures("limited")
def test_a_damaged_file_is_read_right_or_is_one_line(
    name: str, run: Path, changed: Callable[[str, bytes], None]
) -> None:
    whole = (run / name).read_bytes()
    assert said(run, name) == ""
    refused = 0
    for kind, damage in DAMAGES.items():
        changed(name, damage(whole))
        text = said(run, name)
        refused += bool(text)
        assert not text or name.split("/")[-1] in text or str(run) in text, (kind, text)
        if name.endswith((".npz", ".parquet")) and kind != "twice":
            assert text, kind
    assert refused >= (2 if name == "metrics.jsonl" else 6), refused


@pytest.mark.parametrize("name", ARRAYS)
@pytest.mark.usefixtures("limited")
def test_files_that_lie_in_the_place_of_others_are_refused(
    name: str, run: Path, changed: Callable[[str, bytes], None]
) -> None:
    for other in ARRAYS:
        if other != name:
            changed(name, (run / other).read_bytes() if other not in name else b"")
            assert re.search(rf"{name.split('/')[-1]}: not (a )?readable", said(run, name)), other


def header(shape: str, dtype: str = "<f8") -> bytes:
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()


def archive(entries: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in entries.items():
            file.writestr(name, content)
    return out.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (archive({"meta.npy": header("(1000000000000,)")}), "8,000,000,000,000 bytes, and has"),
        (archive({"meta.npy": header("(-1,)")}), "values of float64"),
        (archive({"meta.npy": header("(1,)", "|O") + b"cos\nsystem\n"}), "object"),
        (archive({"meta.npy": header("()", "|V900000000000")}), "dtype|read"),
        (archive({"../meta.npy": header("()") + bytes(8)}), r"a file named '\.\./meta\.npy'"),
        (archive({f"{n}": b"" for n in range(100_001)}), "100,001 files"),
    ],
    ids=["size", "negative", "pickle", "void", "path", "many"],
)
@pytest.mark.usefixtures("limited")
def test_a_header_that_asks_for_what_is_not_there(
    content: bytes, reason: str, run: Path, changed: Callable[[str, bytes], None]
) -> None:
    changed("checkpoints/codec.npz", content)
    assert re.search(rf"codec\.npz: .*{reason}", said(run, "checkpoints/codec.npz"))


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with 400 MiB free: 100 MiB for a file."""
    monkeypatch.setattr("gans.artefacts.free_or_guessed", lambda: 400 * 2**20)


@pytest.mark.usefixtures("limited", "little")
def test_what_unpacks_to_more_than_memory_is_refused_by_its_size(
    run: Path, changed: Callable[[str, bytes], None]
) -> None:
    bomb = archive({"meta.npy": header(f"({2**24},)") + bytes(2**27)})
    assert len(bomb) < 2**18
    changed("checkpoints/codec.npz", bomb)
    assert "codec.npz: it asks for 0.13 GiB of memory; allowed are 0.10 GiB" in said(run, "checkpoints/codec.npz")
    text = pa.array(["x" * 100_000]).take(pa.array(np.zeros(4_000, int)))
    pq.write_table(pa.table({"city": text}), run / "small.parquet")
    small = (run / "small.parquet").read_bytes()
    (run / "small.parquet").unlink()
    assert len(small) < 2**20
    changed("samples.parquet", small)
    assert "samples.parquet: it asks for 0.3" in said(run, "samples.parquet")
    changed("summary.json", b"[" + b"{}," * 2_000_000 + b"{}]")
    assert re.search(r"summary\.json: .*bytes of JSON; allowed are", said(run, "summary.json"))


def test_yaml_that_unfolds_is_refused(run: Path, changed: Callable[[str, bytes], None]) -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    changed("config.yaml", "\n".join(lines).encode())
    assert re.search(r"config\.yaml: .*line 2: aliases \(\*a0\) are not read", said(run, "config.yaml"))
    changed("config.yaml", b"a: " + b"[" * 500 + b"]" * 500)
    assert re.search(r"config\.yaml: .*nested deeper than 100", said(run, "config.yaml"))
    changed("config.yaml", b"a: " + b"x" * 2**22)
    assert "allowed are 4,194,304" in said(run, "config.yaml")


@pytest.mark.parametrize("widths", ["[10000000]", "[1000000000000]", "[60000,60000,60000]"])
@pytest.mark.usefixtures("limited")
def test_networks_larger_than_memory_are_refused(
    widths: str, run: Path, changed: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gans.training.size.free_or_guessed", lambda: 4 * 2**30)
    config = (run / "config.yaml").read_text()
    wide = re.sub(r"generator_widths:\n(  - 16\n)+", f"generator_widths: {widths}\n", config)
    assert wide != config
    changed("config.yaml", wide.encode())
    with pytest.raises(UserError, match=r"config\.yaml"):
        SavedRun.open(run).sampler()


@pytest.mark.usefixtures("limited")
def test_a_checkpoint_of_other_networks_or_of_huge_arrays_is_refused(
    run: Path, changed: Callable[[str, bytes], None], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = (run / "config.yaml").read_text()
    changed("config.yaml", config.replace("generator_widths:\n  - 16", "generator_widths:\n  - 17", 1).encode())
    with pytest.raises(UserError, match=r"all checkpoints .* are damaged"):
        SavedRun.open(run).sampler()
    changed("config.yaml", config.encode())
    monkeypatch.setattr("gans.artefacts.LEAST", 0)
    monkeypatch.setattr("gans.artefacts.free_or_guessed", lambda: 400_000)
    with pytest.raises(UserError):
        SavedRun.open(run).sampler()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["_CHECKPOINT_METADATA", "tree/_METADATA", "record/metadata", "tree/manifest.ocdbt"])
@pytest.mark.usefixtures("limited")
def test_a_damaged_checkpoint_is_passed_over(name: str, run: Path, changed: Callable[[str, bytes], None]) -> None:
    newest = max(int(path.name) for path in (run / "checkpoints").iterdir() if path.name.isdigit())
    for damage in (half, flipped, lambda content: b"", lambda content: b"[" * 100_000, lambda content: b"\xff" * 99):
        file = f"checkpoints/{newest}/{name}"
        changed(file, damage((run / file).read_bytes()))
        try:
            SavedRun.open(run).sampler()  # of the older one, or of this where nothing is read from there
        except UserError as error:
            assert "not a readable folder of checkpoints" in str(error)  # noqa: PT017


FIELDS: list[Callable[[Any], Any]] = [
    lambda schema: schema["columns"][0].update(kind="colour"),
    lambda schema: schema["columns"][0].update(type="list<item: string>"),
    lambda schema: schema["columns"][0].update(name=3),
    lambda schema: schema["columns"][0].update(missing=[1]),
    lambda schema: schema["columns"][0].update(role="image", kind="image", type="image[uint8, 99999 x 99999 x 3]"),
    lambda schema: schema["columns"][0].update(extra=1),
    lambda schema: schema["columns"].append(schema["columns"][0]),
    lambda schema: schema["columns"].clear(),
    lambda schema: schema["columns"].pop(0),
    lambda schema: schema.update(columns={"a": 1}),
]


@pytest.mark.parametrize("number", range(len(FIELDS)))
@pytest.mark.usefixtures("limited")
def test_a_schema_whose_fields_are_changed_is_refused(
    number: int, run: Path, changed: Callable[[str, bytes], None]
) -> None:
    schema = json.loads((run / "schema.json").read_text())
    FIELDS[number](schema)
    changed("schema.json", json.dumps(schema).encode())
    assert "not a readable" in said(run, "schema.json")


def trees_of(run: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    xgboost = pytest.importorskip("xgboost")
    with np.load(run / "checkpoints" / "refinement.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    booster = xgboost.Booster()
    booster.load_model(bytearray(arrays["trees"].tobytes()))
    return json.loads(booster.save_raw("json")), arrays


def ubjson(value: Any) -> bytes:
    """A value in UBJSON, arrays without types."""
    if isinstance(value, bool) or value is None:
        return {True: b"T", False: b"F", None: b"Z"}[value]
    if isinstance(value, int):
        return b"L" + struct.pack(">q", value)
    if isinstance(value, float):
        return b"D" + struct.pack(">d", value)
    if isinstance(value, str):
        return b"S" + ubjson(len(value.encode())) + value.encode()
    if isinstance(value, list):
        return b"[" + b"".join(map(ubjson, value)) + b"]"
    return b"{" + b"".join(ubjson(len(key)) + key.encode() + ubjson(one) for key, one in value.items()) + b"}"


TREES: dict[str, Callable[[Any, Any], Any]] = {
    "child": lambda tree, model: tree["left_children"].__setitem__(0, 10**6),
    "negative child": lambda tree, model: tree["right_children"].__setitem__(0, -5),
    "circle": lambda tree, model: tree["left_children"].__setitem__(tree["left_children"][0], 0),
    "one child for two": lambda tree, model: tree["left_children"].__setitem__(0, tree["right_children"][0]),
    "column": lambda tree, model: tree["split_indices"].__setitem__(0, 10**6),
    "short": lambda tree, model: tree["split_conditions"].pop(),
    "nodes": lambda tree, model: tree["tree_param"].update(num_nodes="1000000000"),
    "category": lambda tree, model: tree["categories"].append(2**30),
    "type": lambda tree, model: tree["split_type"].__setitem__(0, 7),
    "columns": lambda tree, model: model["learner"]["learner_model_param"].update(num_feature="3"),
    "classes": lambda tree, model: model["learner"]["learner_model_param"].update(num_class="9"),
    "count": lambda tree, model: model["learner"]["gradient_booster"]["model"]["gbtree_model_param"].update(
        num_trees="99"
    ),
    "linear": lambda tree, model: model["learner"]["gradient_booster"].update(name="gblinear"),
}


@pytest.mark.parametrize("kind", TREES)
def test_trees_that_point_at_what_is_not_there_are_refused(
    kind: str, run: Path, changed: Callable[[str, bytes], None]
) -> None:
    model, arrays = trees_of(run)
    TREES[kind](model["learner"]["gradient_booster"]["model"]["trees"][0], model)
    arrays["trees"] = np.frombuffer(ubjson(model), np.uint8)
    out = io.BytesIO()
    np.savez_compressed(out, **arrays)  # pyright: ignore[reportArgumentType]
    changed("checkpoints/refinement.npz", out.getvalue())
    assert "refinement.npz: not a readable refinement (" in said(run, "checkpoints/refinement.npz")


def test_trees_that_are_written_anew_without_a_change_are_read(
    run: Path, changed: Callable[[str, bytes], None]
) -> None:
    from gans.refinement.trees import check_trees

    model, arrays = trees_of(run)
    columns = int(model["learner"]["learner_model_param"]["num_feature"])
    check_trees(ubjson(model), columns, 256)
    for stop in range(0, len(arrays["trees"]), 997):
        with pytest.raises((ValueError, KeyError)):
            check_trees(arrays["trees"].tobytes()[:stop], columns, 256)
