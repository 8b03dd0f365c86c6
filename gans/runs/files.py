"""The files of a run directory. No other module knows their names."""

from dataclasses import dataclass
from pathlib import Path

CONFIG = "config.yaml"


@dataclass(frozen=True)
class RunFiles:
    """Where each file of a run lies; none of them need be there."""

    folder: Path

    @property
    def config(self) -> Path:
        """How the run was composed."""
        return self.folder / CONFIG

    @property
    def overrides(self) -> Path:
        """What was typed to make it."""
        return self.folder / "overrides.yaml"

    @property
    def schema(self) -> Path:
        """The columns of its table."""
        return self.folder / "schema.json"

    @property
    def provenance(self) -> Path:
        """The signed record that the run was made on this machine."""
        return self.folder / "provenance.json"

    @property
    def metrics(self) -> Path:
        """A line of JSON for each look of the host."""
        return self.folder / "metrics.jsonl"

    @property
    def snapshots(self) -> Path:
        """What the generator made at some of the steps, a folder."""
        return self.folder / "snapshots"

    @property
    def samples(self) -> Path:
        """Rows of the best generator."""
        return self.folder / "samples.parquet"

    @property
    def summary(self) -> Path:
        """Status, steps, seconds by stage, scores, versions."""
        return self.folder / "summary.json"

    @property
    def report(self) -> Path:
        """The page about it."""
        return self.folder / "report.html"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.folder / "model_card.md"

    @property
    def evaluation(self) -> Path:
        """What `gans.evaluate` found."""
        return self.folder / "evaluation.json"

    @property
    def privacy(self) -> Path:
        """The ledger of a private run."""
        return self.folder / "privacy.json"

    @property
    def transfer(self) -> Path:
        """What was taken over from another run."""
        return self.folder / "transfer.json"

    @property
    def federated(self) -> Path:
        """The settings of a federated run, its rare levels and its sites."""
        return self.folder / "federated.json"

    @property
    def descriptions(self) -> Path:
        """What the sites of a federated run told of their columns."""
        return self.folder / "descriptions.json"

    @property
    def domain(self) -> Path:
        """The columns of a private run as they were declared."""
        return self.folder / "domain.yaml"

    @property
    def profile(self) -> Path:
        """The trace of a block, a folder."""
        return self.folder / "profile"

    @property
    def histories(self) -> Path:
        """How the logs of a run of histories are learned; its parts lie in folders of this one."""
        return self.folder / "histories.json"

    @property
    def choice(self) -> Path:
        """By what the customers of a run of histories are chosen among candidates, a folder."""
        return self.folder / "choice"

    @property
    def form(self) -> Path:
        """What customers are described by, to be chosen."""
        return self.folder / "form.json"

    @property
    def customers(self) -> Path:
        """The run of the customers of a run of histories, a folder."""
        return self.folder / "customers"

    @property
    def checkpoints(self) -> Path:
        """The states of training by step, and what was learned from the table before."""
        return self.folder / "checkpoints"

    @property
    def codec(self) -> Path:
        """The fitted codec."""
        return self.checkpoints / "codec.npz"

    @property
    def condition(self) -> Path:
        """The fitted condition."""
        return self.checkpoints / "condition.npz"

    @property
    def marginals(self) -> Path:
        """The values of each column by itself."""
        return self.checkpoints / "marginals.npz"

    @property
    def terms(self) -> Path:
        """What terms know of the rows of all sites of a federated run."""
        return self.checkpoints / "terms.npz"

    @property
    def refinement(self) -> Path:
        """The fitted refinement of the best generator."""
        return self.checkpoints / "refinement.npz"

    @property
    def generator(self) -> list[Path]:
        """What of it a sampler needs, and the model card: those that are there."""
        every = self.config, self.schema, self.privacy, self.checkpoints, self.card
        return [path for path in every if path.exists()]

    @property
    def begun(self) -> bool:
        """Whether a run began here."""
        return self.config.is_file()

    @property
    def has_checkpoint(self) -> bool:
        """Whether a state of training lies here, or in a part of a run of histories."""
        if self.histories.is_file():
            return any(RunFiles(child).has_checkpoint for child in self.folder.iterdir() if child.is_dir())
        return self.checkpoints.is_dir() and any(child.name.isdigit() for child in self.checkpoints.iterdir())
