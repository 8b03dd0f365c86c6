"""Flax Linen modules; they know nothing of losses, tables or the configs of runs.

A generator is `(latent, condition, keys, train) -> rows [batch, width]`, a discriminator `(rows, condition, keys,
train) -> logits [batch]`. `keys [batch]` is one random key an example, so that a result does not depend on how the
batch is spread over devices.
"""
