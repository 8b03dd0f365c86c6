"""What the tests of the studies share."""

import importlib.util
from typing import Any

import pytest


@pytest.fixture(scope="module")
def study(request: pytest.FixtureRequest) -> Any:
    """The module study.py in the folder HERE of the tests that ask for it."""
    folder = request.module.HERE
    spec = importlib.util.spec_from_file_location(f"{folder.name}_study", folder / "study.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
