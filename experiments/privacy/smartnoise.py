"""Rows of a method of smartnoise-synth: smartnoise.py CELLS METHOD EPSILON DELTA OUT [KEY=NUMBER ...]."""

import sys
from functools import partialmethod

import mbi  # pyright: ignore[reportMissingImports]
import pandas as pd
from snsynth import Synthesizer  # pyright: ignore[reportMissingImports]

# The rounded draw of mbi 1.1.0 (MST, AIM) orders the values of every column by the row within the rows that agree in
# its parents, so that two children of one parent come out tied: 2-way TVD .12 of MST on Adult, .04 by its other draw.
mbi.MarkovRandomField.synthetic_data = partialmethod(mbi.MarkovRandomField.synthetic_data, method="sample")

cells, method, epsilon, delta, out, *more = sys.argv[1:]
table = pd.read_csv(cells)
settings = {key: int(value) for key, value in (one.split("=") for one in more)}
made = Synthesizer.create(method, epsilon=float(epsilon), delta=float(delta), **settings)
made.fit(table, categorical_columns=list(table.columns), preprocessor_eps=0.0)
made.sample(len(table))[list(table.columns)].to_csv(out, index=False)
