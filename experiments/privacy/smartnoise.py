"""Rows of a method of smartnoise-synth: smartnoise.py CELLS METHOD EPSILON DELTA OUT [KEY=NUMBER ...]."""

import sys

import pandas as pd
from snsynth import Synthesizer  # pyright: ignore[reportMissingImports]

cells, method, epsilon, delta, out, *more = sys.argv[1:]
table = pd.read_csv(cells)
settings = {key: int(value) for key, value in (one.split("=") for one in more)}
made = Synthesizer.create(method, epsilon=float(epsilon), delta=float(delta), **settings)
made.fit(table, categorical_columns=list(table.columns), preprocessor_eps=0.0)
made.sample(len(table))[list(table.columns)].to_csv(out, index=False)
