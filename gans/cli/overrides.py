"""Overrides of a run: the runs that they mean, and what completes them: groups, their options, experiments, keys."""

from collections.abc import Iterable, Iterator

from click.shell_completion import CompletionItem

from gans.cli.completion import SHELLS
from gans.cli.kinds import paths, runs
from gans.cli.usage import PLUS, group_names, options
from gans.config.components import MANY
from gans.config.known import explanation, key_types, known_keys
from gans.config.names import unquoted
from gans.errors import UserError
from gans.runs.find import LAST, find_run

FILES = ("path", "orders", "views", "social", "customers", "database", "domain", "root", "run_dir", "files", "folder")
RUN_KEYS = ("run_dir", "transfer.run")


def found_runs(arguments: list[str]) -> list[str]:
    """The arguments, with the folder of a run in the place of `last` or of the beginning of its name.

    Raises:
        UserError: there is no run, or several begin so; or a new run was to be called `last`.
    """
    resumes = "trainer.resume=true" in arguments
    if f"run_dir={LAST}" in arguments and not resumes:
        raise UserError(f"run_dir={LAST}: it means the newest run; add trainer.resume=true, or choose another folder.")
    keys = ["transfer.run", *(["run_dir"] if resumes else [])]
    out = []
    for argument in arguments:
        key, _, value = argument.partition("=")
        meant = key in keys and value != "null"
        out.append(f"{key}={find_run(unquoted(value), key, resumed=key == 'run_dir')}" if meant else argument)
    return out


def complete_overrides(given: list[str], start: str) -> list[CompletionItem]:
    """The overrides that begin with a text.

    Args:
        given: those that are typed already.
        start: of the one that is completed.
    """
    sign, plain = start[: len(start) - len(start.lstrip("+~"))], start.lstrip("+~")
    key, equals, value = plain.partition("=")
    if equals:
        found = ((f"{sign}{key}={name}", line) for name, line in _values(key, value))
    else:
        names = {name.lstrip("+~").partition("=")[0] for name in given}
        found = (
            (name, line) for name, line in _keys(sign) if name.startswith(start) and name[:-1].lstrip("+") not in names
        )
    return [CompletionItem(text, help=line) for text, line in found]


def _keys(sign: str) -> Iterator[tuple[str, str]]:
    for group in group_names():
        yield f"{'+' if group in PLUS else sign}{group}=", "a group"
    if not sign:
        for key in known_keys():
            if key.partition(".")[0] not in group_names() or "." in key:
                yield f"{key}=", explanation(key)


def _values(key: str, start: str) -> Iterable[tuple[str, str]]:
    """Values of a key that begin with a text, with a line each."""
    if key in group_names():
        several, last = ("[", start.rpartition(",")) if key in MANY else ("", ("", "", start))
        before = f"{last[0]}{last[1]}" or several
        return [
            (f"{before}{name}", line)
            for name, line in options(key).items()
            if name not in before.strip("[").split(",")
            if f"{before}{name}".startswith(start) or name.startswith(start)
        ]
    if bool in key_types(key):
        return [(word, "") for word in ("true", "false") if word.startswith(start)]
    if key in RUN_KEYS:
        return [(name, "") for name in runs(start)]
    return [(name, "") for name in paths(start)] if key.rpartition(".")[2] in FILES else []


def complete_group(given: list[str], start: str) -> list[CompletionItem]:
    """The groups that begin with a text, where none is typed yet."""
    return [CompletionItem(name) for name in group_names() if name.startswith(start) and not given]


def complete_shell(given: list[str], start: str) -> list[CompletionItem]:
    """The shells that begin with a text, where none is typed yet."""
    return [CompletionItem(name) for name in SHELLS if name.startswith(start) and not given]
