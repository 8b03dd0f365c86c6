"""From the components of a run to the parts that the step needs."""

import jax.numpy as jnp

from gans.conditions.base import FittedCondition
from gans.config.run import Run
from gans.networks.heads import NumbersAnywhere
from gans.privacy.base import PrivateGAN
from gans.terms.base import HeadTerm
from gans.training.placement import spread_for
from gans.training.step import GAN

PRECISIONS = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def build(run: Run, condition: FittedCondition, placement: str = "jit") -> GAN:
    """The GAN of a run for rows of this layout."""
    trainer, optimizer, layout = run.trainer, run.optimizer, condition.layout
    heads = {name: term.head(layout, run.network.pack) for name, term in run.term.items() if isinstance(term, HeadTerm)}
    generator = run.network.generator(layout)
    if isinstance(run.privacy, PrivateGAN):
        generator = NumbersAnywhere(generator, layout)
    return GAN(
        generator=generator,
        discriminator=run.network.discriminator(layout),
        objective=run.objective,
        penalties=run.penalty,
        terms=run.term,
        layout=layout,
        condition=condition,
        generator_optimizer=optimizer.generator(trainer.steps * trainer.generator_steps),
        discriminator_optimizer=optimizer.discriminator(trainer.steps * trainer.critic_steps),
        latent=run.network.latent,
        prior=run.network.prior,
        steps=trainer.steps,
        batch_size=trainer.batch_size,
        pack=run.network.pack,
        group=run.network.group,
        spectral_norm=run.network.spectral_norm,
        critic_steps=trainer.critic_steps,
        generator_steps=trainer.generator_steps,
        average=trainer.average,
        accumulate=trainer.accumulate,
        precision=PRECISIONS[trainer.precision],
        heads=heads,
        spread=spread_for(placement),
    )
