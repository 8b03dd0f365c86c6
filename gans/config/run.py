"""The schema of a run, and what must go together in it."""

import dataclasses
from dataclasses import dataclass, field

from gans.conditions.base import Condition
from gans.config.components import component_name
from gans.config.trainer import LAST, Trainer
from gans.data.base import Source, Split
from gans.data.codecs import Codec
from gans.errors import UserError, in_range, nearest
from gans.evaluation.metrics import all_metrics, metric_of
from gans.networks.base import Network
from gans.objectives.base import Objective
from gans.optimizers.base import Optimizer
from gans.penalties.base import Penalty
from gans.privacy.base import Privacy
from gans.refinement.base import Refinement
from gans.terms.base import Term
from gans.tracking.base import Logger
from gans.tracking.settings import TrackerSettings
from gans.training.transfer_settings import Transfer
from gans.words import ENGLISH, check_language

MOST_SAMPLES = 50_000  # unless `samples` says more
LEAST_HELD_OUT = 20  # rows that snapshots count


@dataclass(kw_only=True)
class Run:
    """Everything that decides a run.

    Attributes:
        name: the variant, for people.
        run_dir: where the run is written; null for runs/NAME/TIME.
        seed: of initialisation, batches, latents and sampling.
        samples: rows written to samples.parquet; null for as many as training rows, at most 50,000.
        profile: write a trace of one block.
        language: of the report, the model card and the lines at the end; en or zh.
    """

    name: str = "vanilla"
    run_dir: str | None = None
    seed: int = 0
    samples: int | None = None
    profile: bool = False
    language: str = ENGLISH
    data: Source
    codec: Codec
    network: Network
    objective: Objective
    penalty: dict[str, Penalty] = field(default_factory=dict)
    term: dict[str, Term] = field(default_factory=dict)
    condition: Condition
    refine: Refinement
    privacy: Privacy
    optimizer: Optimizer
    trainer: Trainer
    tracker: TrackerSettings
    logger: dict[str, Logger] = field(default_factory=dict)
    transfer: Transfer = field(default_factory=Transfer)

    def __post_init__(self) -> None:
        in_range("seed", self.seed, 0, 2**31 - 1)
        check_language(self.language)
        if self.run_dir == "":
            raise UserError("run_dir='': a folder is needed; without run_dir it is runs/NAME/TIME.")
        if self.samples is not None:
            in_range("samples", self.samples, 1)
        for metric in self.trainer.measured:
            rows, least = self.trainer.evaluate_rows, all_metrics()[metric].least
            if rows < least:
                raise UserError(f"trainer.evaluate_rows={rows}: {metric} needs at least {least}.")
        label = component_name("objective", type(self.objective))
        takes, needs = self.objective.takes, self.objective.needs
        for name in self.penalty:
            if takes is not None and name not in takes:
                allowed = ", ".join(takes) or "none"
                raise UserError(f"penalty=[{name}]: objective={label} does not take it; allowed are {allowed}.")
        size, pack, group = self.trainer.batch_size, self.network.pack, self.network.group
        if size % pack:
            raise UserError(f"trainer.batch_size={size}: it must be a multiple of network.pack={pack}.")
        if size % (pack * group * self.trainer.accumulate):
            raise UserError(
                f"trainer.batch_size={size}: it must be a multiple of network.pack={pack} times network.group={group} "
                f"times trainer.accumulate={self.trainer.accumulate}."
            )
        self._check_conditioning()
        if self.trainer.placement in ("jit", "pmap") and self.trainer.processes > 1:
            raise UserError(f"trainer.placement={self.trainer.placement}: over processes allowed are auto and sharded.")
        if self.trainer.placement == "pmap":
            self._check_slices()
        if self.privacy.private:
            self._check_privacy()
        if needs and not any(map(self._has, needs)):
            raise UserError(f"penalty=[{','.join(self.penalty)}]: objective={label} needs one of {', '.join(needs)}.")

    def _check_conditioning(self) -> None:
        """Raise UserError where condition, terms and the way that the condition enters do not go together."""
        given, network = component_name("condition", type(self.condition)), self.network
        if self.condition.conditional and not network.takes_condition:
            label = component_name("network", type(network))
            raise UserError(f"condition={given}: network={label} takes none; set condition=none.")
        for key in ("conditioning", "discriminator_conditioning"):
            way = getattr(network, key)
            if not self.condition.conditional and way not in ("concatenate", "none"):
                raise UserError(f"network.{key}={way}: it needs a condition, as condition=labels is one.")
        for name, term in self.term.items():
            if term.conditions is not None and given not in term.conditions:
                raise UserError(f"term=[{name}]: it needs condition={' or '.join(term.conditions)}, not {given}.")
        hiding = [f"condition={given}"] * self.condition.hides_condition
        hiding += [f"term=[{name}]" for name, term in self.term.items() if term.hides_condition]
        way = network.discriminator_conditioning
        if hiding and way != "none":
            raise UserError(
                f"network.discriminator_conditioning={way}: {hiding[0]} needs none, since the discriminator has to "
                "tell the condition."
            )

    def _check_privacy(self) -> None:
        """Raise UserError where a part of a private run would look at the rows beside the ledger."""
        data, trainer = self.data, self.trainer
        label = f"privacy={component_name('privacy', type(self.privacy))}"
        network = component_name("network", type(self.network))
        if self.privacy.networks and network not in self.privacy.networks:
            raise UserError(f"network={network}: {label} trains {', '.join(self.privacy.networks)}.")
        objective = component_name("objective", type(self.objective))
        if self.privacy.objectives and objective not in self.privacy.objectives:
            raise UserError(f"objective={objective}: {label} trains with {', '.join(self.privacy.objectives)}.")
        sites = component_name("data", type(data)) == "sites"  # each keeps what is spent
        for key, value, allowed, why in (
            ("condition", component_name("condition", type(self.condition)), ("none",), "it would draw rows"),
            ("refine", component_name("refine", type(self.refine)), ("none",), "it is learned from the training rows"),
            ("penalty", ",".join(self.penalty), ("",), "it looks at rows outside the ledger"),
            ("term", ",".join(self.term), ("",), "it looks at rows outside the ledger"),
            ("network.pack", self.network.pack, (1,), "a row would affect the loss of others"),
            ("network.group", self.network.group, (1,), "a row would affect the loss of others"),
            ("network.spectral_norm", self.network.spectral_norm, (False,), "gradients are clipped as they are"),
            ("trainer.precision", trainer.precision, ("float32",), "norms need it"),
            ("trainer.accumulate", trainer.accumulate, (1,), "gradients are summed over one batch"),
            ("trainer.generator_steps", trainer.generator_steps, (1,), "its generator learns once after each critic"),
            ("data.relations", data.relations, (["auto"], []), "relations are found in the rows; they are off"),
            ("data.limit", data.limit, (None,), "which rows are drawn depends on how many there are"),
            ("data.merge_rare", data.merge_rare, (False,), "rare levels are found in the rows; declare other=NAME"),
            ("data.fake", data.fake, ([],), "made-up values are shaped by the rows"),
            (
                "trainer.resume",
                trainer.resume,
                (False, sites),
                "an interrupted run has spent its budget; start a new one",
            ),
            ("trainer.seeds", trainer.seeds, (1,), "each seed would ask the rows anew"),
            ("trainer.processes", trainer.processes, (1,), "one process holds the ledger"),
            ("trainer.snapshots", trainer.snapshots, (0,), "they count held-out rows outside the ledger"),
            ("profile", self.profile, (False,), "it takes no steps"),
        ):
            if value not in allowed:
                raise UserError(f"{key}={value}: {label} does not support it: {why}.")

    def _check_slices(self) -> None:
        """Raise UserError where a part needs the whole batch, of which a device of pmap has a slice."""
        parts = {f"objective={component_name('objective', type(self.objective))}": self.objective.per_example}
        parts |= {f"term=[{name}]": term.per_example for name, term in self.term.items()}
        parts = {"batch norm": self.network.per_example} | parts
        if whole := [part for part, per_example in parts.items() if not per_example]:
            raise UserError(f"trainer.placement=pmap: {whole[0]} needs the whole batch; allowed are jit and sharded.")

    def _has(self, name: str) -> bool:
        """Whether a penalty is chosen, or a key such as optimizer.clip is set."""
        group, _, key = name.partition(".")
        return bool(getattr(getattr(self, group), key)) if key else name in self.penalty

    def sample_rows(self, training: int) -> int:
        """Rows of samples.parquet, of a table of so many training rows."""
        return self.samples or min(training, MOST_SAMPLES)

    def suited(self, split: Split) -> tuple["Run", list[str]]:
        """The run without the metrics that cannot judge these rows, or need more held-out ones, and sentences about it.

        Where `trainer.best` is of such a metric, `score` or `fid` takes its place, else `last`.
        """
        rows, trainer = split.holdout.num_rows, self.trainer

        def lacks(name: str) -> str:
            one = all_metrics()[name]
            if one.least > rows:
                return f"it needs at least {one.least} held-out rows, there are {rows}; set data.holdout higher"
            return one.lacks(split.schema)

        left_out = {name: reason for name in trainer.measured if (reason := lacks(name))}
        said = [f"{name}: left out, {reason}" for name, reason in left_out.items()]
        best = trainer.best
        if best != LAST and metric_of(best) in left_out:
            best = next((score for score in ("score", "fid") if not lacks(metric_of(score))), LAST)
            said.append(f"trainer.best={best} in place of {trainer.best}")
        samples, most = self.sample_rows(split.training.num_rows), trainer.evaluate_rows
        for name in dataclasses.replace(trainer, best=best).measured:
            if name not in left_out and (reason := all_metrics()[name].few(rows, min(samples, most))):
                said.append(f"{name}: left out of the scores of the samples (samples={samples}), {reason}")
        metrics = [name for name in trainer.metrics if name not in left_out]
        return dataclasses.replace(self, trainer=dataclasses.replace(trainer, metrics=metrics, best=best)), said

    def check(self, split: Split) -> None:
        """What only the table can tell.

        Raises:
            UserError: a condition column that is not there or not learned, or a part that takes no images.
        """
        if split.schema.images:
            for key, part in (("refine", self.refine), ("condition", self.condition)):
                if not part.takes_images:
                    chosen = component_name(key, type(part))
                    raise UserError(f"{key}={chosen}: it takes columns of single values, not images; use {key}=none.")
        rows, snapshots = split.holdout.num_rows, self.trainer.snapshots
        if snapshots and rows < LEAST_HELD_OUT:
            raise UserError(
                f"trainer.snapshots={snapshots}: they show counts of held-out rows, of which there are {rows}; at "
                f"least {LEAST_HELD_OUT} are needed. Set data.holdout higher, or trainer.snapshots=0."
            )
        names = [column.name for column in split.schema.features]
        for name in self.condition.names():
            if name not in names:
                raise UserError(
                    f"condition.columns: column '{name}' is not among the learned columns "
                    f"{', '.join(names)}.{nearest(name, names)}"
                )
