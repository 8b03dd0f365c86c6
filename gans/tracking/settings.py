"""The tracker's part of a run's config."""

from dataclasses import dataclass, field

from gans.errors import one_of
from gans.registry import register

MODES = ("auto", "online", "offline", "disabled")


@register("tracker", "wandb")
@dataclass(kw_only=True)
class TrackerSettings:
    """Weights & Biases. metrics.jsonl and the progress bar are always there beside it.

    Attributes:
        mode: auto is online where there is an API key, else offline.
        project: the project.
        entity: user or team; null for the default one.
        group: runs of one study; null for the variant's name.
        job_type: kind of run.
        tags: tags.
        id: of the run; null for a new one. A run directory remembers its own, so that a resumed run goes on there too.
        folder: where Weights & Biases keeps its files.
    """

    mode: str = "auto"
    project: str = "gans"
    entity: str | None = None
    group: str | None = None
    job_type: str = "train"
    tags: list[str] = field(default_factory=list)
    id: str | None = None
    folder: str = "."

    def __post_init__(self) -> None:
        one_of("tracker.mode", self.mode, MODES)
