"""Rows of a method of smartnoise-synth, in its own environment: smartnoise.py CELLS METHOD EPSILON DELTA OUT."""

import sys

import pandas as pd
from snsynth import Synthesizer  # pyright: ignore[reportMissingImports]

cells, method, epsilon, delta, out = sys.argv[1:]
table = pd.read_csv(cells)
made = Synthesizer.create(method, epsilon=float(epsilon), delta=float(delta))
made.fit(table, categorical_columns=list(table.columns), preprocessor_eps=0.0)
made.sample(len(table))[list(table.columns)].to_csv(out, index=False)
