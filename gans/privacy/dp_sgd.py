"""DP-SGD: the critic of a GAN sees real rows by noisy sums of clipped gradients."""

from dataclasses import dataclass
from typing import ClassVar

from gans.errors import in_range
from gans.privacy.base import PrivateGAN
from gans.registry import register


@register("privacy", "dp")
@dataclass(kw_only=True)
class PrivateGradients(PrivateGAN):
    """Each update of the critic is DP-SGD (Abadi et al. 2016, arXiv:1607.00133); the generator sees the critic only.

    Each real row is drawn by itself, with chance `rate`, and stands in one pair with a generated row; the gradient of a
    pair is clipped, the sum gets Gaussian noise. There are trainer.steps times trainer.critic_steps updates of the
    critic, and the noise is the least with which all of them stay within the budget. After Xie et al. 2018
    (arXiv:1802.06739) and Bie et al. 2023 (arXiv:2302.02936), who clip real and generated rows apart and have no
    counts.

    Attributes:
        rate: of the rows that an update sees. Public: it must not be a batch size divided by the number of rows.
        clip: norm of a pair's gradient, at most.
    """

    samples: ClassVar[bool] = True

    rate: float = 1 / 64
    clip: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        in_range("privacy.rate", self.rate, 0, 1, open_low=True)
        in_range("privacy.clip", self.clip, 0, open_low=True)
