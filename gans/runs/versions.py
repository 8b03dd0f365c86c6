"""Which versions a run was made by."""

import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from gans.trees import installed_xgboost

PACKAGES = ("gans", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "hydra-core", "pyarrow")


def versions() -> dict[str, str]:
    """The version of each package that decides a run, XGBoost under the name of the package that brings it."""
    return {name: _version(name) for name in PACKAGES} | installed_xgboost()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def commit() -> str | None:
    """The commit of the checkout that runs; None outside one."""
    root = Path(__file__).parent.parent.parent
    if not (root / ".git").exists():
        return None
    try:
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=root, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
