"""How much memory is free, by the files of the system; what the errors of too little memory are."""

from pathlib import Path

import jax
import jax.numpy as jnp
import pytest

from gans.errors import UserError, one_line, out_of_memory
from gans.memory import free_device_memory, free_memory, gibibytes
from gans.training import programs
from gans.training.programs import compile_within_memory, temporary_bytes

GIB = 2**30


def system(root: Path, groups: dict[str, str], cgroup: str = "0::/a/b\n", available: int = 8 * GIB) -> Path:
    """A file system with /proc and /sys of this content."""
    files = {"proc/meminfo": f"MemTotal: 1 kB\nMemFree: 2 kB\nMemAvailable: {available // 1024} kB\n"}
    files |= {"proc/self/cgroup": cgroup, **{f"sys/fs/cgroup/{name}": text for name, text in groups.items()}}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_caches_that_would_be_given_up_are_free(tmp_path: Path) -> None:
    assert free_memory(system(tmp_path, {})) == 8 * GIB


def test_a_control_group_bounds_it(tmp_path: Path) -> None:
    own = {"a/b/memory.max": f"{4 * GIB}\n", "a/b/memory.current": f"{GIB}\n"}
    assert free_memory(system(tmp_path / "one", own)) == 3 * GIB
    cached = own | {"a/b/memory.stat": f"anon 5\ninactive_file {GIB // 2}\nactive_file 7\n"}
    assert free_memory(system(tmp_path / "two", cached)) == 3.5 * GIB
    parent = own | {"a/memory.max": f"{2 * GIB}", "a/memory.current": f"{GIB}", "memory.max": "max"}
    assert free_memory(system(tmp_path / "three", parent)) == GIB
    none = {"a/b/memory.max": "max\n", "a/b/memory.current": f"{GIB}\n"}
    assert free_memory(system(tmp_path / "four", none)) == 8 * GIB
    full = {"a/b/memory.max": f"{GIB}", "a/b/memory.current": f"{2 * GIB}"}
    assert free_memory(system(tmp_path / "five", full)) == 0


def test_a_control_group_of_version_1_bounds_it(tmp_path: Path) -> None:
    own = {"memory/c/memory.limit_in_bytes": f"{2 * GIB}", "memory/c/memory.usage_in_bytes": f"{GIB}"}
    assert free_memory(system(tmp_path, own, "4:cpu:/x\n3:memory:/c\n")) == GIB


def test_nothing_is_known_where_the_system_does_not_say(tmp_path: Path) -> None:
    assert free_memory(tmp_path) is None


def test_a_device_of_its_own_memory_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    class Card:
        def memory_stats(self) -> dict[str, int]:
            return {"bytes_limit": 10 * GIB, "bytes_in_use": 4 * GIB}

    class Processor:
        def memory_stats(self) -> None:
            return None

    monkeypatch.setattr("gans.memory.free_memory", lambda: 7)
    assert free_device_memory(Card()) == 6 * GIB
    assert free_device_memory(Processor()) == 7
    assert gibibytes(1.5 * GIB) == "1.5 GiB"


def test_a_step_that_does_not_fit_is_refused_before_it_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sum of an outer product, kept from being fused away, takes the whole square on the way."""
    step = jax.jit(lambda rows: jnp.sort(jnp.outer(rows, rows), axis=1).sum())
    rows = jnp.arange(512.0)
    program = compile_within_memory(step, 512, rows)
    assert temporary_bytes(program) >= 512 * 512 * 4
    assert float(program(rows)) == pytest.approx(float(rows.sum() ** 2))
    monkeypatch.setattr(programs, "free_device_memory", lambda device: 2**19)
    with pytest.raises(UserError, match=r"trainer.batch_size=512: a training step needs 0\.\d GiB.*trainer.accumulate"):
        compile_within_memory(step, 512, rows)
    monkeypatch.setattr(programs, "free_device_memory", lambda device: None)
    compile_within_memory(step, 512, rows)


def test_errors_of_too_little_memory_are_known() -> None:
    assert out_of_memory(MemoryError())
    assert out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 640000000000 bytes."))
    assert out_of_memory(ValueError("std::bad_alloc"))
    assert not out_of_memory(ValueError("3 rows: a detector needs at least 100"))
    assert one_line(MemoryError()) == "there was not enough memory for it"


def test_an_error_is_one_line_and_a_fault_says_where() -> None:
    assert one_line(UserError("samples=0:\n it must be at least 1.")) == "samples=0: it must be at least 1"
    with pytest.raises(ZeroDivisionError) as caught:
        1 / 0  # noqa: B018
    assert one_line(caught.value).startswith("ZeroDivisionError at test_memory.py:")
    assert one_line(caught.value).endswith(": division by zero")
