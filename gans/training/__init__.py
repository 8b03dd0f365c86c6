"""The step, the loop, how it is spread over devices, checkpoints, random streams."""
