"""What the generator also pays: one file a term, pure functions of generated rows and of what it knows of real ones."""
