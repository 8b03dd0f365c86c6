"""What is done to the rows of a trained generator: nothing, or resampling by a density ratio."""
