"""PATE: many teachers that each see rows of their own, and a critic that sees their noisy votes only."""

from dataclasses import dataclass
from typing import ClassVar

from gans.errors import in_range
from gans.privacy.base import PrivateGAN
from gans.registry import register


@register("privacy", "pate")
@dataclass(kw_only=True)
class PrivateTeachers(PrivateGAN):
    """Teachers tell their own rows from generated ones; their votes on generated rows, with noise, teach the critic.

    PATE-GAN (Jordon et al. 2019, ICLR). One row has one teacher, which changes each count of votes by one at most;
    counts get discrete Gaussian noise, and their cost does not depend on how far teachers agree. Six implementations
    leak more than they state (Ganev et al. 2024, arXiv:2406.13985): teachers that share rows, accounting that depends
    on the votes and is published, moments added up wrongly, bounds off the data. Ours learns from the noisy share of
    votes in the place of the majority, which is the same answer before it is rounded.

    Attributes:
        teachers: how many; each has a critic of its own.
        teacher_steps: updates of each teacher for a step of the generator.
        teacher_batch: rows of an update of a teacher, drawn from its own, and as many generated ones.
        votes: generated rows that teachers vote on, for a step of the generator.
    """

    objectives: ClassVar[tuple[str, ...]] = ("non_saturating",)

    teachers: int = 1_000
    teacher_steps: int = 5
    teacher_batch: int = 16
    votes: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("privacy.teachers", self.teachers, 2)
        in_range("privacy.teacher_steps", self.teacher_steps, 1)
        in_range("privacy.teacher_batch", self.teacher_batch, 1)
        in_range("privacy.votes", self.votes, 1)
