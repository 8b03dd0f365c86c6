"""What the discriminator also pays: one file a penalty, pure functions of the critic and a batch."""
