"""The schema of a run: composed by Hydra, checked before anything compiles, read back from a run directory."""

import dataclasses
import importlib
import pkgutil
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from gans.conditions.base import Condition
from gans.config_errors import hydra_errors
from gans.data.base import Source, Split
from gans.data.codecs import Codec
from gans.errors import UserError, in_range, nearest
from gans.evaluation.metrics import METRICS, metric_of
from gans.networks.base import Network
from gans.objectives.base import Objective
from gans.optimizers.base import Optimizer
from gans.penalties.base import Penalty
from gans.refinement.base import Refinement
from gans.registry import COMPONENTS
from gans.terms.base import HeadTerm, Term
from gans.tracking.settings import TrackerSettings
from gans.training.trainer import LAST, Trainer

ROOMS = (
    "data",
    "data.codecs",
    "networks",
    "objectives",
    "penalties",
    "terms",
    "conditions",
    "refinement",
    "optimizers",
    "tracking",
    "training",
)
PLUGINS = "gans.plugins"
MANY = ("penalty", "term")
OPEN = ("data.kinds", "data.columns", "data.features")  # whose names below are the user's own
PATHS = ("data.path", "data.root", "data.orders", "data.views", "data.social", "data.customers", "run_dir")
SQL = ("data.query", "data.columns.", "data.features.")


@dataclass(kw_only=True)
class Run:
    """Everything that decides a run.

    Attributes:
        name: the variant, for people.
        run_dir: where the run is written; null for runs/NAME/TIME.
        seed: of initialisation, batches, latents and sampling.
        samples: rows written to samples.parquet; null for as many as training rows, at most 50,000.
        profile: write a trace of one block.
    """

    name: str = "vanilla"
    run_dir: str | None = None
    seed: int = 0
    samples: int | None = None
    profile: bool = False
    data: Source
    codec: Codec
    network: Network
    objective: Objective
    penalty: dict[str, Penalty] = field(default_factory=dict)
    term: dict[str, Term] = field(default_factory=dict)
    condition: Condition
    refine: Refinement
    optimizer: Optimizer
    trainer: Trainer
    tracker: TrackerSettings

    def __post_init__(self) -> None:
        in_range("seed", self.seed, 0, 2**31 - 1)
        if self.run_dir == "":
            raise UserError("run_dir='': a folder is needed; without run_dir it is runs/NAME/TIME.")
        if self.samples is not None:
            in_range("samples", self.samples, 1)
        for metric in self.trainer.measured:
            if self.trainer.evaluate_rows < METRICS[metric].least:
                rows, least = self.trainer.evaluate_rows, METRICS[metric].least
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
        if self.trainer.placement == "pmap" and not self.network.per_example:
            raise UserError("trainer.placement=pmap: batch norm needs the whole batch; allowed are jit and sharded.")
        if needs and not any(map(self._has, needs)):
            raise UserError(f"penalty=[{','.join(self.penalty)}]: objective={label} needs one of {', '.join(needs)}.")

    def _check_conditioning(self) -> None:
        """Raise UserError where condition, terms and the way that the condition enters do not go together."""
        given, network = component_name("condition", type(self.condition)), self.network
        for key in ("conditioning", "discriminator_conditioning"):
            way = getattr(network, key)
            if given == "none" and way not in ("concatenate", "none"):
                raise UserError(f"network.{key}={way}: it needs a condition, as condition=labels is one.")
        for name, term in self.term.items():
            if term.conditions is not None and given not in term.conditions:
                raise UserError(f"term=[{name}]: it needs condition={' or '.join(term.conditions)}, not {given}.")
        heads = [f"term=[{name}]" for name, term in self.term.items() if isinstance(term, HeadTerm)]
        hiding = ["condition=codes"] * (given == "codes") + heads
        way = network.discriminator_conditioning
        if hiding and way != "none":
            raise UserError(
                f"network.discriminator_conditioning={way}: {hiding[0]} needs none, since the discriminator has to "
                "tell the condition."
            )

    def _has(self, name: str) -> bool:
        """Whether a penalty is chosen, or a key such as optimizer.clip is set."""
        group, _, key = name.partition(".")
        return bool(getattr(getattr(self, group), key)) if key else name in self.penalty

    def suited(self, split: Split) -> tuple["Run", list[str]]:
        """The run without the metrics that cannot judge these rows, or need more held-out ones, and sentences about it.

        Where `trainer.best` is of such a metric, `score` or `fid` takes its place, else `last`.
        """
        rows, trainer = split.holdout.num_rows, self.trainer

        def lacks(name: str) -> str:
            if METRICS[name].least > rows:
                return (
                    f"it needs at least {METRICS[name].least} held-out rows, there are {rows}; set data.holdout higher"
                )
            return METRICS[name].lacks(split.schema)

        left_out = {name: reason for name in trainer.measured if (reason := lacks(name))}
        said = [f"{name}: left out, {reason}" for name, reason in left_out.items()]
        best = trainer.best
        if best != LAST and metric_of(best) in left_out:
            best = next((score for score in ("score", "fid") if not lacks(metric_of(score))), LAST)
            said.append(f"trainer.best={best} in place of {trainer.best}")
        metrics = [name for name in trainer.metrics if name not in left_out]
        return dataclasses.replace(self, trainer=dataclasses.replace(trainer, metrics=metrics, best=best)), said

    def check(self, split: Split) -> None:
        """What only the table can tell.

        Raises:
            UserError: a condition column that is not there or not learnt, or a part that takes no images.
        """
        if split.schema.images:
            for key, chosen, kind in (("refine", "boosted", self.refine), ("condition", "subsets", self.condition)):
                if component_name(key, type(kind)) == chosen:
                    raise UserError(f"{key}={chosen}: it takes columns of single values, not images; use {key}=none.")
        names = [column.name for column in split.schema.features]
        for name in self.condition.names():
            if name not in names:
                raise UserError(
                    f"condition.columns: column '{name}' is not among the learnt columns "
                    f"{', '.join(names)}.{nearest(name, names)}"
                )


def component_name(group: str, kind: type) -> str:
    """The name under which a component is selected."""
    return next((name for name, known in COMPONENTS[group].items() if known is kind), kind.__name__)


def group_options(group: str) -> list[str]:
    """The names that a group can be given."""
    named = [path.stem for path in (conf_folder() / group).glob("*.yaml")]
    return sorted({*named, *COMPONENTS.get(group, ())})


def conf_folder() -> Path:
    """The folder of the configs: inside an installed package, or beside a checkout's."""
    package = Path(__file__).parent
    return next(path for path in (package / "conf", package.parent / "conf") if path.is_dir())


@cache
def load_components() -> None:
    """Import every component and plugin, and hand their schemas to Hydra.

    Raises:
        UserError: a plugin cannot be imported.
    """
    from hydra.core.config_store import ConfigStore

    for room in ROOMS:
        package = importlib.import_module(f"gans.{room}")
        for module in pkgutil.iter_modules(package.__path__):
            if not module.ispkg:
                importlib.import_module(f"gans.{room}.{module.name}")
    for plugin in entry_points(group=PLUGINS):
        try:
            plugin.load()
        except Exception as error:
            raise UserError(f"plugin '{plugin.name}' ({plugin.value}) cannot be loaded: {error!r}") from error
    store = ConfigStore.instance()
    store.store(name="run_schema", node=Run)
    for group, known in COMPONENTS.items():
        for name, kind in known.items():
            package = f"{group}.{name}" if group in MANY else group
            store.store(group=group, name=f"{name}_schema", node=kind, package=package)
            if not (conf_folder() / group / f"{name}.yaml").exists():
                store.store(group=group, name=name, node=kind, package=package)


def read_overrides(arguments: Sequence[str]) -> list[str]:
    """Overrides as Hydra takes them: with a + where one is due and nowhere else, debug last.

    Raises:
        UserError: an argument is not KEY=VALUE, or a group is given something else than names.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser, out = OverridesParser.create(), []
    for argument in arguments:
        plain = argument.lstrip("+")
        if plain.startswith(("experiment=", "debug=")):
            argument = f"+{plain}"
        elif plain.startswith(OPEN) and plain[len(next(filter(plain.startswith, OPEN))) :][:1] in (".", "="):
            argument = f"++{plain}"
        elif not plain.startswith("hydra"):
            argument = plain
        key, _, value = argument.partition("=")
        odd = key in PATHS and re.search(r"[\s()'\"*?\[\]]", value)
        sql = key.lstrip("+").startswith(SQL)
        if ((odd or sql) and value[:1] not in ("'", '"')) or (sql and value[:1] == '"' and key != "data.query"):
            argument = f"{key}=" + "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"
        try:
            override = parser.parse_override(argument)
        except HydraException as error:
            reason = str(error).split("\n", 1)[0]
            raise UserError(
                f"{argument}: not KEY=VALUE as in +experiment=cgan or trainer.steps=1000 ({reason})."
            ) from None
        group = override.key_or_group
        if group in COMPONENTS and not override.is_sweep_override():
            value = override.value()
            names = value if isinstance(value, list) and group in MANY else [value]
            if not all(isinstance(name, str) and not name.endswith("_schema") for name in names):
                raise UserError(f"{argument}: allowed are {', '.join(group_options(group))}.")
        out.append(argument)
    return sorted(out, key=lambda argument: argument.startswith("+debug="))


def compose(overrides: Sequence[str] = ()) -> Run:
    """A run from conf/ and overrides as on the command line.

    Raises:
        UserError: an unknown key, option or experiment, a wrong type, or a value out of range.
    """
    from hydra import compose as hydra_compose
    from hydra import initialize_config_dir
    from hydra.core.global_hydra import GlobalHydra

    load_components()
    with hydra_errors():
        if GlobalHydra.instance().is_initialized():
            return to_run(hydra_compose("train", overrides=read_overrides(overrides)))
        with initialize_config_dir(str(conf_folder()), version_base="1.3"):
            return to_run(hydra_compose("train", overrides=read_overrides(overrides)))


def to_run(config: Any) -> Run:
    """The objects that a composed config describes.

    Raises:
        UserError: a value is out of range.
    """
    from omegaconf import OmegaConf

    with hydra_errors():
        return OmegaConf.to_object(config)  # pyright: ignore[reportReturnType]


def to_yaml(run: Run) -> str:
    """A run's config as YAML, each component with the name that selects it, so that `read_run` needs nothing else."""
    from omegaconf import OmegaConf

    chosen = {group: component_name(group, type(getattr(run, group))) for group in _groups()}
    config = OmegaConf.structured(run)
    return OmegaConf.to_yaml(OmegaConf.create({"components": chosen})) + OmegaConf.to_yaml(config)


def read_run(path: Path) -> Run:
    """Read the config.yaml of a run directory. Nothing in it is executed.

    Raises:
        UserError: the file is missing or does not follow the schema.
    """
    from omegaconf import OmegaConf

    load_components()
    if not path.is_file():
        raise UserError(f"{path}: no such file; {path.parent} is no run directory.")
    with hydra_errors(str(path)):
        stored: Any = OmegaConf.create(path.read_text(encoding="utf-8"))
        if _interpolates(OmegaConf.to_container(stored)):
            raise UserError("interpolations (${...}) are not read")
        try:
            fields: dict[str, Any] = {
                group: OmegaConf.merge(_schema(group, name), stored.pop(group))
                for group, name in stored.pop("components").items()
            }
            several = {
                group: {
                    name: OmegaConf.merge(_schema(group, name), value) for name, value in stored.pop(group, {}).items()
                }
                for group in MANY
            }
        except (KeyError, AttributeError, TypeError, ValueError) as error:
            raise UserError(f"it does not follow the schema of a run ({error}).") from None
        return to_run(OmegaConf.merge(OmegaConf.structured(Run), stored, fields, several))


def _interpolates(value: Any) -> bool:
    """Whether a value below refers to another; a key, such as the name of a column, never does."""
    if isinstance(value, dict):
        return any(map(_interpolates, value.values()))
    return any(map(_interpolates, value)) if isinstance(value, list) else isinstance(value, str) and "${" in value


def _schema(group: str, name: str) -> Any:
    from omegaconf import OmegaConf

    if name not in COMPONENTS.get(group, {}):
        raise UserError(f"{group}={name} is not known here; is a plugin missing?")
    return OmegaConf.structured(COMPONENTS[group][name])


FREE_ON_RESUME = (
    "run_dir",
    "samples",
    "profile",
    "tracker.*",
    *(
        f"trainer.{key}"
        for key in ("resume", "steps", "block", "evaluate_every", "checkpoint_every", "keep", "placement", "patience")
    ),
    *(f"trainer.{key}" for key in ("cache", "coordinator", "processes", "process")),
)


def resumed(run: Run, overrides: list[str]) -> Run:
    """The run that lies in `run.run_dir`, with what was said on the command line of the keys that may change.

    Where none lies there, the run itself, for `check_run_directory` to refuse.

    Raises:
        UserError: an override contradicts the run.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    path = Path(run.run_dir or "").expanduser() / "config.yaml"
    if run.run_dir is None or not path.is_file():
        return run
    old, new = OmegaConf.structured(read_run(path)), OmegaConf.structured(run)
    for override in OverridesParser.create().parse_overrides(overrides):
        key = override.key_or_group
        if key == "debug":
            raise UserError(f"{override.input_line}: a resumed run keeps its settings; leave it out.")
        if any(fnmatch(key, free) for free in FREE_ON_RESUME):
            OmegaConf.update(old, key, OmegaConf.select(new, key))
            continue
        key = "name" if key == "experiment" else key
        was, now = OmegaConf.select(old, key), OmegaConf.select(new, key)
        if was != now or (key in _groups() and OmegaConf.get_type(old, key) != OmegaConf.get_type(new, key)):
            shown = "" if OmegaConf.is_config(was) else f" with {key}={was}"
            raise UserError(f"{override.input_line}: {run.run_dir} was begun{shown}; a resumed run cannot change it.")
    return to_run(old)


def _groups() -> list[str]:
    return [group for group in COMPONENTS if group not in MANY]


def known_keys() -> list[str]:
    """Every key of the default run, for the nearest match."""
    from omegaconf import DictConfig, OmegaConf

    def walk(node: Any, prefix: str) -> Iterator[str]:
        for key in node:
            yield f"{prefix}{key}"
            child = node._get_node(key)
            if isinstance(child, DictConfig) and not child._is_none():
                yield from walk(child, f"{prefix}{key}.")

    return list(walk(OmegaConf.structured(compose()), ""))
