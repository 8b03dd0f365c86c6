#!/usr/bin/env bash
# The tests that train for long: kills and resumes, placements, processes, the study of the three variants.
set -euo pipefail
cd "$(dirname "$0")/.."
python -m pytest -n 0 -m slow "$@"
