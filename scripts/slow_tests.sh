#!/usr/bin/env bash
# The tests that take long: documented commands, notebooks, kills and resumes, placements, processes, sweeps, a study.
set -euo pipefail
cd "$(dirname "$0")/.."
python -m pytest --dist load -m slow --durations=12 "$@"
