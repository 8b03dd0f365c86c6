"""The compiled block of steps, and whether there is memory for it."""

import os
from collections.abc import Callable
from typing import Any

import jax

from gans.errors import UserError
from gans.memory import free_device_memory, gibibytes

LEVEL = "xla_backend_optimization_level"


def quick_to_compile(once: bool = False) -> dict[str, Any] | None:
    """Options of a program on a CPU; None elsewhere, and where XLA_FLAGS has a level.

    The first of LLVM's levels compiles a step in five sixths of the time and runs as fast: the time goes into products
    of matrices, which are compiled already.

    Args:
        once: whether the program runs only once, so that it is not worth any optimisation.
    """
    if LEVEL in os.environ.get("XLA_FLAGS", "") or jax.default_backend() != "cpu":
        return None
    return {LEVEL: 0 if once else 1}


def compile_within_memory(run: Callable[..., Any], batch: int, *arguments: Any) -> Callable[..., Any]:
    """The program of a jitted or mapped block of steps for these arguments, compiled and not run.

    Args:
        batch: rows of a batch, for the message.

    Raises:
        UserError: what it computes on the way needs more memory than is free on the device.
    """
    program = run.lower(*arguments).compile()  # pyright: ignore[reportFunctionMemberAccess]
    needed, free = temporary_bytes(program), free_device_memory(jax.local_devices()[0])
    if free is not None and needed > free:
        raise UserError(
            f"trainer.batch_size={batch}: a training step needs {gibibytes(needed)} of memory, {gibibytes(free)} are "
            "free; lower trainer.batch_size, or raise trainer.accumulate."
        )
    return program


def temporary_bytes(program: Any) -> int:
    """Bytes that a compiled program takes on each device beside its arguments; 0 where the device does not say."""
    try:
        found = program.memory_analysis()
    except (RuntimeError, NotImplementedError):
        return 0
    return 0 if found is None else int(found.temp_size_in_bytes)
