"""The README's picture: real against synthetic, columns of a run side by side.

python scripts/picture.py RUN_DIR docs/households.png [COLUMN ...]
"""

import sys
from pathlib import Path

import pyarrow.parquet as pq

from gans.config.stored import read_run
from gans.report.figures import marginal_grid, render

ACROSS = 3
WIDTH = 2.5  # inches a column, so that labels can be read where the README shows the picture 880 pixels wide


def main() -> None:
    """Read the run's samples and its training rows again, and draw the columns named, or all."""
    run_dir, out, names = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    training, _, schema = read_run(run_dir / "config.yaml").data.split()
    columns = [schema[name] for name in names] or schema.features
    figure = marginal_grid(training, pq.read_table(run_dir / "samples.parquet"), columns, ACROSS, WIDTH)
    out.write_bytes(render(figure, "png"))


if __name__ == "__main__":
    main()
