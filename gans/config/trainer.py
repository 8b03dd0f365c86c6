"""How long and where a run trains, how often it looks up."""

import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from gans.errors import UserError, in_range, one_of
from gans.evaluation.metrics import all_metrics, metric_of, training_metrics
from gans.registry import register
from gans.training.schedule import Schedule

PLACEMENTS = ("auto", "jit", "sharded", "pmap")
LAST = "last"
MOST_SNAPSHOTS = 1_000


def directions() -> dict[str, int]:
    """By score that can choose a generator 1 where larger is better, -1 where smaller is; 0 for the last one."""
    metrics = [all_metrics()[name] for name in training_metrics()]
    signs = {score: meaning.sign for one in metrics for score, meaning in one.scores.items()}
    return {score: sign for score, sign in signs.items() if sign} | {LAST: 0}


@register("trainer", "default")
@dataclass(kw_only=True)
class Trainer:
    """The budget and the rhythm of a run.

    Attributes:
        steps: rounds of discriminator and generator updates.
        batch_size: rows of a batch, over all devices.
        critic_steps: discriminator updates in a step.
        generator_steps: generator updates in a step, after those.
        accumulate: compute a batch in this many parts, one after the other, where it is too large for the memory of a
            device; their gradients are averaged, and batch norm sees one part at a time.
        precision: float32 or bfloat16 of what networks compute; parameters and their updates stay float32.
        average: highest decay of the averaged generator.
        block: steps between two looks of the host, run as one compiled loop.
        evaluate_every: steps between scores of generated against held-out rows.
        evaluate_rows: rows generated for such a score.
        checkpoint_every: steps between checkpoints.
        keep: checkpoints kept.
        snapshots: write so many, evenly over the run, into snapshots/: counts and few generated rows, from which a page
            replays without the table how the generator learned.
        metrics: what is scored and logged: fidelity, detection, published, distances, pairs, mmd, manifold,
            sliced_wasserstein, frechet, modes, images, or one of a plugin; that of `best` is always among them.
        best: the score by which the best generator is kept, or `last` for the final one.
        patience: stop when `best` has not improved for this many scores, of all seeds; null to train all steps.
        seeds: train this many seeds at once, vmapped: seed, seed + 1, ...
        placement: auto (sharded where there are several devices, else jit), jit, sharded, or pmap.
        resume: go on with run_dir from its last checkpoint.
        cache: keep compiled programs in the user's cache folder.
        coordinator: host:port of process 0, for training over processes.
        processes: how many processes train together.
        process: the number of this one.
    """

    steps: int = 8_000
    batch_size: int = 500
    critic_steps: int = 1
    generator_steps: int = 1
    accumulate: int = 1
    precision: str = "float32"
    average: float = 0.999
    block: int = 100
    evaluate_every: int = 500
    evaluate_rows: int = 5_000
    checkpoint_every: int = 1_000
    keep: int = 2
    snapshots: int = 0
    metrics: list[str] = field(default_factory=lambda: ["fidelity"])
    best: str = "score"
    patience: int | None = None
    seeds: int = 1
    placement: str = "auto"
    resume: bool = False
    cache: bool = True
    coordinator: str | None = None
    processes: int = 1
    process: int = 0

    def __post_init__(self) -> None:
        for key in (
            "steps",
            "batch_size",
            "critic_steps",
            "generator_steps",
            "accumulate",
            "block",
            "evaluate_every",
            "checkpoint_every",
            "keep",
            "seeds",
            "processes",
        ):
            in_range(f"trainer.{key}", getattr(self, key), 1)
        in_range("trainer.evaluate_rows", self.evaluate_rows, 10)
        in_range("trainer.snapshots", self.snapshots, 0, MOST_SNAPSHOTS)
        in_range("trainer.average", self.average, 0, 1, open_high=True)
        in_range("trainer.process", self.process, 0, self.processes - 1)
        for name in self.metrics:
            one_of("trainer.metrics", name, training_metrics())
        one_of("trainer.best", self.best, directions())
        if self.patience is not None:
            in_range("trainer.patience", self.patience, 1)
            if self.best == LAST:
                raise UserError(
                    f"trainer.patience={self.patience}: trainer.best=last has no score to improve; "
                    f"set trainer.best to {', '.join(name for name in directions() if name != LAST)}."
                )
        one_of("trainer.placement", self.placement, PLACEMENTS)
        one_of("trainer.precision", self.precision, ("float32", "bfloat16"))
        if self.processes > 1 and not self.coordinator:
            raise UserError("trainer.coordinator is not set: training over processes needs the HOST:PORT of process 0.")

    @property
    def direction(self) -> int:
        """1 where a larger score is better, -1 where a smaller one is, 0 where the last generator is taken."""
        return directions()[self.best]

    @property
    def measured(self) -> list[str]:
        """The metrics that are computed: `metrics`, and that of `best`."""
        chosen = [] if self.best == LAST else [metric_of(self.best)]
        return [name for name in training_metrics() if name in (*self.metrics, *chosen)]

    def best_member(self, values: np.ndarray) -> int:
        """The place of the seed with the best of these scores [seeds]; the first where there are none."""
        return 0 if np.isnan(values).all() else int(np.nanargmax(values * (self.direction or 1)))

    def schedule(self, together: int = 1) -> Schedule:
        """What the loop needs to know; so many rows `together` stay on one device.

        Raises:
            UserError: the batch does not divide among the devices.
        """
        return Schedule(
            steps=self.steps,
            seeds=self.seeds,
            block=self.block,
            evaluate_every=self.evaluate_every,
            checkpoint_every=self.checkpoint_every,
            best=self.best,
            direction=self.direction,
            patience=self.patience,
            resume=self.resume,
            placement=self.place(together),
            snapshots=self.snapshots,
        )

    def place(self, together: int = 1) -> str:
        """The placement, `auto` settled by the devices that are there; so many rows `together` stay on one device.

        Raises:
            UserError: the batch does not divide among the devices.
        """
        import jax

        placement = self.placement
        if placement == "auto":
            placement = "sharded" if jax.device_count() > 1 else "jit"
        devices = 1 if placement == "jit" else jax.device_count()
        if self.batch_size % (devices * together * self.accumulate):
            others = f" times {together * self.accumulate}" if together * self.accumulate > 1 else ""
            raise UserError(
                f"trainer.batch_size={self.batch_size}: it must be a multiple of the {devices} devices{others}"
                f"{' (network.pack, network.group, trainer.accumulate)' if others else ''}, or trainer.placement=jit."
            )
        return placement

    def prepare(self) -> None:
        """Set up JAX before its first use: the compilation cache and the processes.

        Raises:
            UserError: the other processes cannot be reached.
        """
        import jax

        self.prepare_cache()
        if self.processes > 1 and not jax.distributed.is_initialized():
            jax.config.update("jax_cpu_collectives_implementation", "gloo")
            try:
                jax.distributed.initialize(self.coordinator, self.processes, self.process)
            except Exception as error:
                raise UserError(f"trainer.coordinator={self.coordinator}: {str(error).splitlines()[0]}") from None

    def prepare_cache(self) -> None:
        """Keep compiled programs in the user's cache folder, unless `cache` is off."""
        import jax

        if self.cache:
            base = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
            jax.config.update("jax_compilation_cache_dir", str(base / "gans" / "jax"))
            jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
