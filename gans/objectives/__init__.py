"""What discriminator and generator minimise: one file an objective, pure functions of critic outputs [batch]."""
