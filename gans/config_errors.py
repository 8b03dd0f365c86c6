"""What Hydra and OmegaConf raise, in the words of a user."""

import contextlib
import re
from collections.abc import Iterator
from typing import Any

from gans.errors import UserError, nearest


@contextlib.contextmanager
def hydra_errors(where: str = "") -> Iterator[None]:
    """Turn what Hydra and OmegaConf raise into a UserError with the full key, what is allowed and the nearest match."""
    from hydra.errors import HydraException, MissingConfigException
    from omegaconf.errors import OmegaConfBaseException
    from yaml import YAMLError

    prefix = f"{where}: " if where else ""
    try:
        yield
    except UserError as error:
        raise UserError(prefix + str(error)) from None
    except MissingConfigException as error:
        raise UserError(prefix + _missing_option(error)) from None
    except (HydraException, OmegaConfBaseException) as error:
        raise UserError(prefix + _explain(error)) from None
    except YAMLError as error:
        raise UserError(prefix + f"not readable as YAML: {' '.join(str(error).split())}") from None


def _missing_option(error: Any) -> str:
    group, _, name = (error.missing_cfg_file or "").rpartition("/")
    if not group:
        return str(error).split("\n", 1)[0]
    from gans.config import group_options

    options = group_options(group)
    key = f"+{group}" if group == "experiment" else group
    return f"{key}={name}: allowed are {', '.join(sorted(options))}.{nearest(name, options)}"


def _explain(error: BaseException) -> str:
    chain, seen = error, error
    while chain is not None:
        seen = chain if getattr(chain, "full_key", None) else seen
        chain = chain.__cause__ or chain.__context__
    key = getattr(seen, "full_key", None) or ""
    text = (getattr(seen, "msg", None) or str(seen)).strip().split("\n", 1)[0]
    from gans.config import known_keys

    if re.search(r"not in struct|not in '|Key '.*' not", text):
        known, group = known_keys(), key.rpartition(".")[0]
        if key in known:
            return f"key {key} does not belong to the chosen {group}."
        siblings = sorted(other for other in known if other.rpartition(".")[0] == group)
        allowed = f"; allowed are {', '.join(siblings)}" if siblings else ""
        return f"unknown key {key}{allowed}.{nearest(key, known)}"
    if "Missing mandatory" in text or "MISSING" in text:
        return f"{key} is not set."
    return f"{key}: {text}" if key and key not in text else text
