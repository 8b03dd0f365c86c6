#!/usr/bin/env bash
# Write the lock files: every package that gans needs, with the hashes of its files, for Python 3.11 to 3.13 on Linux, macOS
# and Windows. requirements.lock is for the program, requirements-test.lock for the tests, requirements-cuda.lock for NVIDIA GPUs.
# Versions that are there stay; scripts/lock.sh --upgrade takes the newest. Needs uv (python -m pip install uv).
set -euo pipefail
cd "$(dirname "$0")/.."

lock() { # FILE TITLE [OPTION...]
  local file=$1 title=$2
  shift 2
  uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
    --quiet --no-emit-index-url --output-file "$file" "$@" >/dev/null
  {
    echo "# $title; made by scripts/lock.sh."
    echo "#   python -m pip install --require-hashes -r $file && python -m pip install --no-deps -e ."
    cat "$file"
  } >"$file.new"
  mv "$file.new" "$file"
}

lock requirements-test.lock "What the tests run with" --extra test "$@"
lock requirements.lock "What the program needs" --constraint requirements-test.lock
lock requirements-cuda.lock "What the program needs on NVIDIA GPUs" --constraint requirements-test.lock --extra cuda
