"""How much memory is free: of the machine, of the control group that this process is in, and of an accelerator."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def free_memory(root: Path = Path("/")) -> int | None:
    """Bytes of memory that this process can still take; None where the system does not say.

    What the machine has available, caches that it would give up among it, or less where a control group bounds it.

    Args:
        root: of the file system that /proc and /sys are read from.
    """
    bounds = [*_available(root), *_left_in_groups(root)]
    return max(min(bounds), 0) if bounds else None


def free_or_guessed() -> int:
    """Bytes of memory that this process can still take; a guess of 4 GiB where the system does not say."""
    free = free_memory()
    return 4 * 2**30 if free is None else free


def free_device_memory(device: Any) -> int | None:
    """Bytes that are free on a device of JAX; on one that shares the memory of the host what is free there."""
    try:
        stats = device.memory_stats() or {}
    except (RuntimeError, NotImplementedError):
        stats = {}
    if "bytes_limit" not in stats:
        return free_memory()
    return int(stats["bytes_limit"]) - int(stats.get("bytes_in_use", 0))


def gibibytes(size: float) -> str:
    """A number of bytes for people."""
    return f"{size / 2**30:,.1f} GiB"


def _available(root: Path) -> Iterator[int]:
    """What the machine has available, on Linux."""
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        yield from (int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError):
        return


def _left_in_groups(root: Path) -> Iterator[int]:
    """What is left under the limit of each control group that this process is in, of version 2 or 1."""
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if not controllers:
            base, names = root / "sys/fs/cgroup", ("memory.max", "memory.current", "inactive_file ")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file ")
        else:
            continue
        group = Path(path.lstrip("/"))
        for folder in (group, *group.parents):
            if (left := _left(base / folder, *names)) is not None:
                yield left


def _left(folder: Path, limit: str, usage: str, cache: str) -> int | None:
    """Bytes left in a control group, the caches of files that it would give up among them; None without a limit."""
    try:
        most, used = (int((folder / name).read_text()) for name in (limit, usage))
    except (OSError, ValueError):  # a limit of "max" is none
        return None
    try:
        stat = (folder / "memory.stat").read_text().splitlines()
        given_up = sum(int(line.removeprefix(cache)) for line in stat if line.startswith(cache))
    except (OSError, ValueError):
        given_up = 0
    return most - used + given_up
