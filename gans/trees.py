"""XGBoost, or one error that says what is installed in its place."""

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from gans.errors import UserError

PACKAGES = ("xgboost", "xgboost-cpu")  # both bring the module xgboost, into the same folder


def installed_xgboost() -> dict[str, str]:
    """The versions of the packages that bring XGBoost, by name; of several, the one that was installed last counts."""
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


@cache
def import_xgboost() -> Any:
    """The module xgboost.

    Raises:
        UserError: it is not installed, or cannot be loaded, as where one of two packages that share its folder was
            removed.
    """
    try:
        import xgboost
    except Exception as error:  # its own error where the library is not there, OSError where it cannot be loaded
        reason = " ".join(str(error).split())[:200]
        found = installed_xgboost()
        if not found:
            text = f"boosted trees need XGBoost, which is not installed ({reason}): python -m pip install xgboost"
        else:
            names = " and ".join(f"{name} {one}" for name, one in found.items())
            text = f"XGBoost cannot be loaded ({reason}); installed: {names}. To mend it: "
            text += f"python -m pip uninstall {' '.join(found)}, then python -m pip install xgboost"
        raise UserError(text) from None
    return xgboost
