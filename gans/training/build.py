"""From the components of a run to the parts that the step needs."""

from typing import TYPE_CHECKING

from gans.conditions.base import FittedCondition
from gans.training.placement import spread_for
from gans.training.step import GAN

if TYPE_CHECKING:
    from gans.config import Run


def build(run: "Run", condition: FittedCondition, placement: str = "jit") -> GAN:
    """The GAN of a run for rows of this layout."""
    trainer, optimizer = run.trainer, run.optimizer
    return GAN(
        generator=run.network.generator(condition.layout),
        discriminator=run.network.discriminator(),
        objective=run.objective,
        penalties=run.penalty,
        terms=run.term,
        layout=condition.layout,
        condition=condition,
        generator_optimizer=optimizer.generator(trainer.steps),
        discriminator_optimizer=optimizer.discriminator(trainer.steps * trainer.critic_steps),
        latent=run.network.latent,
        steps=trainer.steps,
        batch_size=trainer.batch_size,
        pack=run.network.pack,
        spectral_norm=run.network.spectral_norm,
        critic_steps=trainer.critic_steps,
        average=trainer.average,
        spread=spread_for(placement),
    )
