"""How a run was asked for: what the user typed, kept in its directory beside the config that came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gans.config.names import shell_quoted
from gans.files import write_text
from gans.runs.files import RunFiles
from gans.runs.versions import commit, versions


@dataclass(frozen=True)
class Call:
    """A command with the overrides that it was given, each as it was typed.

    Attributes:
        command: such as `gans train`.
    """

    command: str
    overrides: Sequence[str] = ()

    def line(self) -> str:
        """The whole command, to be pasted into a shell."""
        return " ".join([self.command, *map(shell_quoted, self.overrides)])


def record_call(files: RunFiles, call: Call | None) -> None:
    """Add a call to overrides.yaml, which has one for each time that the run was begun or gone on with."""
    if call is None:
        return
    import yaml

    before = files.overrides.read_text(encoding="utf-8") if files.overrides.is_file() else ""
    entry = {
        "command": call.line(),
        "overrides": list(call.overrides),
        "began": datetime.now(UTC).isoformat(timespec="seconds"),
        "gans": versions()["gans"],
        "commit": commit(),
    }
    write_text(files.overrides, before + yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, width=1_000))
