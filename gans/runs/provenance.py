"""Whether a run was made on this machine: a record in its directory, signed with a key that this machine keeps.

Anybody can write the config of a run. What it names (files, queries) is read again only of a run that has such a
record, or where the person says so. The record is over the config and the schema, not over the place: a run may be
moved.
"""

import hashlib
import hmac
import json
import logging
import os
import secrets
import tempfile
from pathlib import Path

from gans.errors import UserError
from gans.files import write_text
from gans.runs.files import RunFiles

log = logging.getLogger("gans")

KEY_BYTES = 32
VERSION = 1  # of what is signed


def state_folder() -> Path:
    """The folder of this program's state of the user: $XDG_STATE_HOME/gans, ~/.local/state/gans; on Windows local data.

    Raises:
        OSError: the user has no home.
    """
    try:
        if os.name == "nt":
            return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "gans"
        return Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "gans"
    except RuntimeError as error:
        raise OSError(str(error)) from None


def sign_run(files: RunFiles) -> None:
    """Write the record of a run that was begun here; where this machine can keep no key, say so and write none."""
    try:
        key = machine_key()
    except OSError as error:
        log.warning("the run is not signed, so that commands on it will ask for trust=true: %s", error)
        return
    write_text(files.provenance, json.dumps({"version": VERSION, "hmac_sha256": _signature(key, files)}) + "\n")


def made_here(files: RunFiles) -> bool:
    """Whether the run has a valid record: its config and schema (or shapes of logs) are as this machine wrote them."""
    try:
        key = (state_folder() / "key").read_bytes()
        record = json.loads(files.provenance.read_bytes()[:1000])
        stored = record["hmac_sha256"] if record["version"] == VERSION else ""
        return len(key) == KEY_BYTES and hmac.compare_digest(str(stored).encode(), _signature(key, files).encode())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _signature(key: bytes, files: RunFiles) -> str:
    learned = files.histories if files.histories.is_file() else files.schema
    content = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in (files.config, learned))
    return hmac.new(key, b"gans run %d\n" % VERSION + content, hashlib.sha256).hexdigest()


def machine_key() -> bytes:
    """The key of this machine's user, made where there is none; of several processes at once one makes it.

    Raises:
        OSError: it cannot be kept.
        UserError: the file holds something else.
    """
    path = state_folder() / "key"
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".key-")  # readable by the user only
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
            try:
                os.link(temporary, path)  # fails where another process was first
            except FileExistsError:
                pass
            except OSError:  # a file system without links
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise UserError(
            f"{path}: it holds {len(key)} bytes, not a key of {KEY_BYTES}; remove it, and a new one is made."
        )
    return key
