"""A GAN that learns points in the plane, and what can be seen of it.

It takes the step of `gans.training.step`, in two programs: one trains, one looks. Learning rates, the number of steps,
and which of the networks learns are numbers to the first one, so that they change without compiling. The one that looks
is compiled last, while training may go on.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pyarrow as pa
from jax.scipy.special import ndtri

from gans.data.mixtures import drawn_points
from gans.evaluation.mixtures import WITHIN
from gans.lab.setting import POINTS, RATES, run_of
from gans.runs.build import build
from gans.runs.prepare import prepare
from gans.streams import host_stream, per_example, stream
from gans.training.loop import make_block
from gans.training.step import Rows, TrainState

SHOWN = 1_000  # points, of each kind
ARROWS = 200  # generated points whose gradients are shown
CELLS = 30  # a side of the plane, for the discriminator's surface and the histograms
LINES = 21  # of the grid of latents, each way
COUNTED = 4_000  # generated points of the divergences
MARGIN = 1.1  # of the plane beyond what the generator reaches
SMOOTHING = 0.5  # points that each cell has beside those that fall into it
QUICKLY = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}  # of what runs once


class Toy:
    """A GAN in training on points in the plane, in coordinates of mean 0 and variance 1.

    Attributes:
        setting: what the page set; its learning rates may change.
        extent: the plane reaches from -extent to extent, both ways.
        real: points [SHOWN, 2] float32 that it learns.
        modes: centres [modes, 2] of a mixture, else [0, 2].
        state: of training.
    """

    def __init__(self, setting: Mapping[str, Any], density: np.ndarray | None = None) -> None:
        """Compile what trains; takes seconds.

        Args:
            density: of data=drawing, [height, width], at least 0 and not 0 everywhere.
        """
        self.setting = dict(setting)
        run = run_of(setting)
        run.trainer.prepare()
        ready = prepare(run, _table(run.data, density))
        run = ready.run
        self._gan, self._optimizer = build(run, ready.condition), run.optimizer
        self.real = np.asarray(ready.rows.scalars[:SHOWN], np.float32)
        self.extent = MARGIN * self._gan.layout.bound
        self.modes, sigma = np.zeros((0, 2)), np.ones(2)
        if mixture := ready.split.schema.mixture:
            points = np.array(mixture["modes"])
            table = pa.table({"x": points[:, 0], "y": points[:, 1]})
            self.modes = np.asarray(ready.codec.encode(table).scalars, np.float32)
            training = ready.split.training
            sigma = mixture["sigma"] / np.array([np.std(training[name].to_numpy()) for name in ("x", "y")])
        counts = np.histogram2d(*ready.rows.scalars.T, bins=CELLS, range=[[-self.extent, self.extent]] * 2)[0].T
        shares = (counts + SMOOTHING) / (counts + SMOOTHING).sum()
        look = _looking(self._gan, self.extent, shares, self.modes, sigma)
        self._rows: Rows = jax.device_put(ready.rows)
        seed = np.uint32(setting["seed"])
        shapes = jax.eval_shape(self._gan.init, seed)
        knobs, threads = self._knobs(True, True), ThreadPoolExecutor()
        train = threads.submit(_compiled, self._block, shapes, self._rows, np.int32(1), knobs)
        init = threads.submit(_compiled, self._gan.init, seed, options=QUICKLY)
        self._train, self._init = train.result(), init.result()
        self._look = threads.submit(_compiled, look, shapes, self._rows, np.bool_(False))
        threads.shutdown(wait=False)
        self.reset(int(seed))

    @property
    def step(self) -> int:
        """Steps done."""
        return int(self.state.step)

    @property
    def visible(self) -> bool:
        """Whether a look is there at once; else it waits for its program."""
        return self._look.done()

    def twin(self) -> "Toy":
        """Another toy of the same setting at step 0, with the same programs."""
        other = copy.copy(self)
        other.setting = dict(self.setting)
        other.reset(self.setting["seed"])
        return other

    @property
    def diverged(self) -> bool:
        """Whether a figure of the last steps is not a number any more."""
        return not all(math.isfinite(value) for value in self.metrics.values())

    def reset(self, seed: int) -> None:
        """Begin again, with the networks of a seed."""
        self.setting["seed"] = seed
        self.state: TrainState = self._init(np.uint32(seed))
        self.metrics: dict[str, float] = {}

    def train(self, steps: int, generator: bool = True, discriminator: bool = True) -> None:
        """Take steps in which one of the networks learns, or both."""
        knobs = self._knobs(generator, discriminator)
        self.state, metrics = self._train(self.state, self._rows, np.int32(steps), knobs)
        self.metrics = {name: float(value) for name, value in jax.device_get(metrics).items()}

    def look(self, average: bool) -> dict[str, np.ndarray]:
        """What can be seen now; see `_looking`.

        Args:
            average: of the averaged generator, which a run samples from.
        """
        return jax.device_get(self._look.result()(self.state, self._rows, np.bool_(average)))

    def _knobs(self, generator: bool, discriminator: bool) -> dict[str, Any]:
        rates = [np.float32(self.setting[key]) for key in RATES]
        learns = {"generator": np.bool_(generator), "discriminator": np.bool_(discriminator)}
        return {"rate": dict(zip(learns, rates, strict=True)), "learns": learns}

    def _block(self, state: TrainState, rows: Rows, steps: Any, knobs: Mapping[str, Any]) -> tuple[TrainState, Any]:
        """Steps of training. A network that does not learn has the rate 0, and keeps what its optimiser knows."""
        rate, learns = knobs["rate"], knobs["learns"]
        optimizer = copy.copy(self._optimizer)  # whose checks do not take traced numbers
        optimizer.learning_rate = rate["generator"] * learns["generator"]
        optimizer.discriminator_learning_rate = rate["discriminator"] * learns["discriminator"]
        gan = dataclasses.replace(
            self._gan, generator_optimizer=optimizer.generator(1), discriminator_optimizer=optimizer.discriminator(1)
        )
        new, metrics = make_block(gan)(state, rows, steps)

        def kept(names: tuple[str, ...], part: str) -> dict[str, Any]:
            chosen = partial(jax.tree.map, partial(jnp.where, learns[part]))
            return {name: chosen(getattr(new, name), getattr(state, name)) for name in names}

        of_generator = kept(("generator", "statistics", "generator_optimizer", "average"), "generator")
        of_discriminator = kept(("discriminator", "discriminator_optimizer"), "discriminator")
        return new.replace(**of_generator, **of_discriminator), metrics


def _compiled(program: Callable[..., Any], *given: Any, options: Mapping[str, Any] | None = None) -> Any:
    return jax.jit(program).lower(*given).compile(compiler_options=dict(options or {}))


def _table(source: Any, density: np.ndarray | None) -> pa.Table:
    if density is None:
        return source.read()
    points = drawn_points(density, POINTS, host_stream("drawing", source.split_seed))
    return pa.table({"x": points[:, 0], "y": points[:, 1]})


def _looking(
    gan: Any, extent: float, shares: np.ndarray, modes: np.ndarray, sigma: np.ndarray
) -> Callable[[TrainState, Rows, Any], dict[str, Any]]:
    """The program that looks: (state, rows, whether at the averaged generator) -> what the page draws.

    - points [SHOWN, 2]: of the same latents at every look.
    - arrows [ARROWS, 2]: how each of the first points would move to lower the generator's loss, -d loss / d point.
    - surface [CELLS, CELLS]: logits of the discriminator at the middle of each cell, from below; a discriminator that
      sees several points at once sees the same one several times.
    - grid [LINES, LINES, 2], of one latent [LINES * LINES, 2]: where evenly spaced quantiles of the latents go; of more
      than two there is none.
    - kl, js: KL(real || generated) and Jensen-Shannon divergence, nats, of histograms with SMOOTHING.
    - modes, high_quality: as in `gans.evaluation.mixtures`, of COUNTED points.
    - middle: the mean logit of real and generated points.
    """
    ticks = extent * (2 * (np.arange(CELLS) + 0.5) / CELLS - 1)
    cells = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2).astype(np.float32)
    grid = _latent_grid(gan)
    none = jnp.zeros((), jnp.int32)

    def repeated(points: Any) -> Any:
        return jnp.tile(points, (1, gan.pack))

    def logits(state: TrainState, points: Any) -> Any:
        keys = per_example(stream(none, none, "looked at"), points.shape[0])
        return gan.critic(state.discriminator, repeated(points), jnp.zeros((points.shape[0], 0)), keys)

    def look(state: TrainState, rows: Rows, average: Any) -> dict[str, Any]:
        variables = jax.tree.map(lambda own, mean: jnp.where(average, mean, own), state.variables, dict(state.average))
        keys = per_example(stream(none, none, "shown"), COUNTED)
        made, _ = gan.generate(variables, jnp.zeros((COUNTED, 0)), keys, False)
        points, real = made[:SHOWN], rows.scalars[:SHOWN]
        real_logits = logits(state, real)

        def cost(some: Any) -> Any:
            return gan.objective.generator(real_logits, logits(state, some)) * SHOWN

        place = jnp.clip(jnp.floor((made / extent + 1) / 2 * CELLS), 0, CELLS - 1).astype(int)
        counts = jnp.zeros((CELLS, CELLS)).at[place[:, 1], place[:, 0]].add(1.0) + SMOOTHING
        own = counts / counts.sum()
        middle = (own + shares) / 2
        out = {
            "points": points,
            "arrows": -jax.grad(cost)(points)[:ARROWS],
            "surface": logits(state, cells).reshape(CELLS, CELLS),
            "middle": (real_logits.mean() + logits(state, points).mean()) / 2,
            "kl": jnp.sum(shares * jnp.log(shares / own)),
            "js": (jnp.sum(shares * jnp.log(shares / middle)) + jnp.sum(own * jnp.log(own / middle))) / 2,
        }
        if grid is not None:
            latents = grid.reshape(-1, gan.latent)
            inner = per_example(stream(none, none, "grid"), len(latents))
            out["grid"] = gan.generate_at(variables, latents, jnp.zeros((len(latents), 0)), inner, False)[0]
        if len(modes):
            apart = jnp.linalg.norm((made[:, None] - modes[None]) / sigma, axis=-1)
            good = apart.min(axis=1) <= WITHIN
            near = jnp.zeros(len(modes)).at[apart.argmin(axis=1)].add(good)
            out |= {"modes": (near > 0).sum(), "high_quality": good.mean()}
        return out

    return look


def _latent_grid(gan: Any) -> Any:
    """Latents [LINES, LINES, 2] or [LINES * LINES, 1] at even quantiles of the prior."""
    if gan.latent > 2:
        return None
    count = LINES if gan.latent == 2 else LINES * LINES
    even = jnp.linspace(0.01, 0.99, count)
    ticks = gan.of_prior(ndtri(even))
    return jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1) if gan.latent == 2 else ticks[:, None]
