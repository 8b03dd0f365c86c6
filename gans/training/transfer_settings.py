"""The part of a run's config about transfer."""

from dataclasses import dataclass, field

from gans.errors import UserError, in_range


@dataclass(kw_only=True)
class Transfer:
    """What a run takes over from another one, and how fast that may change.

    Attributes:
        run: a run directory, whose networks this one begins with; null for none.
        columns: by column of this table the column of that run's table that it goes on with, where names differ.
        replay: share of rows among the training rows that the other run's generator made, against forgetting; their
            columns must be those of this table.
        freeze: parts of the networks of which what was taken over does not change, such as
            `discriminator.ResidualTrunk_0.Dense_0` (FreezeD, Mo et al. 2020, arXiv:2002.10964).
        rate: of what was taken over, as a share of the learning rate.
        anchor: weight of the pull towards what was taken over (L2-SP, Li et al. 2018, arXiv:1802.01483).
        compare: whether to train the same from scratch, too, in the folder `scratch`, and say which scores better.
    """

    run: str | None = None
    columns: dict[str, str] = field(default_factory=dict)
    replay: float = 0.0
    freeze: list[str] = field(default_factory=list)
    rate: float = 1.0
    anchor: float = 0.0
    compare: bool = False

    def __post_init__(self) -> None:
        in_range("transfer.replay", self.replay, 0, 1, open_high=True)
        in_range("transfer.rate", self.rate, 0, 10)
        in_range("transfer.anchor", self.anchor, 0)
        set_too = [key for key in ("columns", "replay", "freeze", "anchor", "compare") if getattr(self, key)]
        if self.run is None and (set_too or self.rate != 1):
            raise UserError(f"transfer.{(set_too or ['rate'])[0]} is set and transfer.run is not.")
