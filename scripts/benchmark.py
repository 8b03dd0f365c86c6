"""Speed and memory beside ctgan, in one run on one machine (needs the extra `bench`).

    python scripts/benchmark.py [data=households] [data.root=FOLDER ...] [seconds=20] [million=true]

Prints, with ratios: steps per second of the WGAN-GP step in CTGAN's shape (batch 500, packs of 10, the very widths
that ctgan's transformer gives this table), the time to prepare the table, rows sampled per second with decoding to a
frame, and peak memory; then the same step in PyTorch, eager and compiled. Every part runs in a process of its own, one
after the other. `million` prepares a million rows. scripts/benchmark_steps.py compares our own variants.
"""

import json
import resource
import subprocess
import sys
import time
import warnings
from typing import Any

import numpy as np

BATCH = 500
OWN = ("seconds", "million", "part", "shape")
settings = dict(argument.split("=", 1) for argument in sys.argv[1:])
overrides = [f"{key}={value}" for key, value in settings.items() if key not in OWN]
seconds = float(settings.get("seconds", "20"))


def real_table() -> tuple[Any, Any]:
    """The table of the run, and its schema."""
    from gans.config.compose import compose
    from gans.data.detection import detect, normalise

    run = compose(overrides)
    table = normalise(run.data.read())
    return table, detect(table, run.data.fixed_kinds(), run.data.drop)


def peer() -> dict[str, Any]:
    """ctgan: preparation, step, sampling."""
    warnings.simplefilter("ignore")
    import ctgan.synthesizers.ctgan as module
    from ctgan import CTGAN

    table, schema = real_table()
    frame = table.select([column.name for column in schema.features]).to_pandas()
    discrete = [column.name for column in schema.features if column.kind in ("category", "boolean")]
    frame[discrete] = frame[discrete].astype(str)
    frame = frame.fillna(0)
    model = CTGAN(epochs=0)
    began = time.perf_counter()
    model.fit(frame, discrete)
    prepared = time.perf_counter() - began

    fitted = model._transformer
    encoded = fitted.transform(frame)
    fitted.fit = lambda *arguments: None
    fitted.transform = lambda frame: encoded
    module.DataTransformer = lambda: fitted
    begun = time.perf_counter()
    model.fit(frame, discrete, epochs=0)
    overhead = time.perf_counter() - begun
    epochs, spent = 1, 0.0
    while spent < seconds / 2:
        begun = time.perf_counter()
        model.fit(frame, discrete, epochs=epochs)
        spent, steps = time.perf_counter() - begun - overhead, epochs * (len(frame) // BATCH)
        epochs = max(epochs + 1, int(epochs * seconds / max(spent, 1e-3) * 0.7))
    rows = 20_000
    model.sample(1000)
    begun = time.perf_counter()
    model.sample(rows)
    sampled = rows / (time.perf_counter() - begun)
    spans = [[(span.dim, span.activation_fn) for span in column] for column in fitted.output_info_list]
    condition = [column[0][0] for column in spans if len(column) == 1 and column[0][1] == "softmax"]
    return {
        "prepare": prepared,
        "steps": steps / spent,
        "sample": sampled,
        "scores": sum(size == 1 and kind == "tanh" for column in spans for size, kind in column),
        "softmax": sorted(size for column in spans for size, kind in column if kind == "softmax"),
        "condition": condition,
        "rows": len(frame),
    }


def ours() -> dict[str, Any]:
    """The same three for this package."""
    import copy
    import dataclasses

    from gans.config.compose import compose
    from gans.data.layout import Layout
    from gans.runs.build import build
    from gans.runs.prepare import prepare
    from gans.training.loop import initial_state, make_block
    from gans.training.placement import place
    from gans.training.step import Rows

    shape = json.loads(settings["shape"])
    fixed = ["+experiment=wgan_gp", "network=ctgan", f"trainer.batch_size={BATCH}", "trainer.critic_steps=1"]
    run = compose([*fixed, "optimizer.schedule=constant", "data.holdout=1e-6", *overrides])
    table = run.data.read()
    prepare(run, table.slice(0, 1000))  # imports and the first call of each library
    began = time.perf_counter()
    ready = prepare(run, table)
    prepared = time.perf_counter() - began

    gan = build(run, ready.condition)
    layout = Layout(shape["scores"], 4.0, tuple(shape["softmax"]))
    condition = copy.copy(ready.condition)
    condition.cardinalities = condition.columns = tuple(shape["condition"])
    gan = dataclasses.replace(
        gan,
        layout=layout,
        condition=condition,
        generator=run.network.generator(layout),
    )
    draw = np.random.default_rng(0)
    rows = Rows(
        scalars=draw.standard_normal((shape["rows"], shape["scores"])).astype(np.float32),
        codes=np.stack([draw.integers(0, size, shape["rows"]) for size in shape["softmax"]], 1).astype(np.int32),
        condition=np.stack([draw.integers(0, size, shape["rows"]) for size in shape["condition"]], 1).astype(np.int32),
    )
    placed = place(make_block(gan), "jit", 1)
    state, rows = placed.put(initial_state(gan, 0, 1)), placed.put(rows)
    count, block = placed.put(np.int32(100)), 100
    began = time.perf_counter()
    state, metrics = placed.run(state, rows, count)
    placed.get(metrics)
    compiled = time.perf_counter() - began
    steps, began = 0, time.perf_counter()
    while time.perf_counter() - began < seconds:
        state, metrics = placed.run(state, rows, count)
        placed.get(metrics)
        steps += block
    rate = steps / (time.perf_counter() - began)

    sampler = ready.sampler
    sampler.parameters = initial_state(build(run, ready.condition), 0, 1).average
    sampler.sample(10_000).to_pandas()
    number = 200_000
    began = time.perf_counter()
    sampler.sample(number).to_pandas()
    return {
        "prepare": prepared,
        "steps": rate,
        "sample": number / (time.perf_counter() - began),
        "first block": compiled,
    }


def torch_eager() -> dict[str, Any]:
    """The same step in PyTorch, eager."""
    from torch_step import rate

    return rate(json.loads(settings["shape"]), BATCH, seconds, compiled=False)


def torch_compiled() -> dict[str, Any]:
    """The same step in PyTorch, compiled by its inductor."""
    from torch_step import rate

    return rate(json.loads(settings["shape"]), BATCH, seconds, compiled=True)


def million() -> dict[str, Any]:
    """A million rows of 15 columns: 6 real, 4 whole, 4 categories, 1 time, some cells missing."""
    import pyarrow as pa

    from gans.config.compose import compose
    from gans.runs.prepare import prepare

    rows, draw = 1_000_000, np.random.default_rng(0)
    columns: dict[str, Any] = {f"real{k}": draw.lognormal(size=rows) for k in range(6)}
    columns |= {f"whole{k}": draw.geometric(10.0 ** -(k + 1), rows) for k in range(4)}
    for k in range(4):
        words = np.array([f"level {level}" for level in range(4 ** (k + 1))])
        columns[f"word{k}"] = pa.array(words[draw.integers(0, len(words), rows)])
    columns["time"] = (draw.integers(0, 10**8, rows) + 1_500_000_000).astype("datetime64[s]")
    columns["real0"] = pa.array(columns["real0"], mask=draw.random(rows) < 0.1)
    table = pa.table(columns)
    del columns, words
    before = peak()
    began = time.perf_counter()
    prepare(compose(["data=table", "data.path=-"]), table)
    return {"prepare": time.perf_counter() - began, "before": before}


def peak() -> float:
    """Peak memory of this process, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def part(name: str, **more: str) -> dict[str, Any]:
    """Run a part in its own process."""
    arguments = [f"{key}={value}" for key, value in (settings | more | {"part": name}).items()]
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Run the parts and print the table."""
    if "part" in settings:
        parts = (peer, ours, million, torch_eager, torch_compiled)
        found = {one.__name__: one for one in parts}[settings["part"]]()
        print(json.dumps(found | {"peak": peak()}, default=int))
        return
    theirs = part("peer")
    shape = json.dumps({key: theirs[key] for key in ("scores", "softmax", "condition", "rows")}, separators=(",", ":"))
    mine = part("ours", shape=shape)
    width = theirs["scores"] + sum(theirs["softmax"])
    print(f"{theirs['rows']:,} rows; encoded width {width}, condition width {sum(theirs['condition'])}, batch {BATCH}")
    print(f"{'':32}{'ctgan 0.12.1':>14}{'gans':>14}{'ratio':>10}")
    for label, key, larger in (
        ("steps per second", "steps", True),
        ("seconds to prepare", "prepare", False),
        ("rows sampled per second", "sample", True),
        ("peak memory, GiB", "peak", False),
    ):
        ratio = mine[key] / theirs[key] if larger else theirs[key] / mine[key]
        print(f"{label:32}{theirs[key]:14,.3g}{mine[key]:14,.3g}{ratio:9.1f}x")
    print(f"first block of 100 steps, compilation included: {mine['first block']:.1f} s")
    for name, label in (("torch_eager", "eager"), ("torch_compiled", "torch.compile")):
        found = part(name, shape=shape)
        ratio = mine["steps"] / found["steps"]
        print(f"the same step in PyTorch, {label}: {found['steps']:.1f} steps per second, ours {ratio:.1f}x "
              f"(its first step {found['first']:.1f} s)")  # fmt: skip
    if settings.get("million", "true") == "true":
        found = part("million")
        print(f"a million rows of 15 columns: prepared in {found['prepare']:.1f} s, peak {found['peak']:.2f} GiB "
              f"(of which {found['before']:.2f} GiB before, to make the table)")  # fmt: skip


if __name__ == "__main__":
    main()
