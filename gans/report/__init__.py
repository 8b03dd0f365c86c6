"""The report of one run: figures (`gans.report.figures`) and a self-contained HTML page (`gans.report.page`)."""
