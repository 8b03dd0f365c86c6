"""The README's picture: real against synthetic, every column of a run.

python scripts/picture.py RUN_DIR docs/households.png
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

from gans.config.stored import read_run
from gans.report.figures import marginal_grid, render


def main() -> None:
    """Read the run's samples and its training rows again, and draw."""
    run_dir, out = map(Path, sys.argv[1:])
    training, _, schema = read_run(run_dir / "config.yaml").data.split()
    figure = marginal_grid(training, pq.read_table(run_dir / "samples.parquet"), schema.features)
    out.write_bytes(render(figure, "png"))


if __name__ == "__main__":
    main()
