"""What `python -m gans.train --help` prints: groups, options with a line each from their files, keys with values."""

from gans.config.components import conf_folder
from gans.config.compose import compose
from gans.config.stored import to_yaml
from gans.registry import COMPONENTS

HEAD = """Train a variant of GAN on a table.

  python -m gans.train [+experiment=NAME] [GROUP=NAME ...] [KEY=VALUE ...]
  python -m gans.train -m +experiment=NAME,NAME seed=0,1       several runs, one after the other
  python -m gans.train run_dir=DIR trainer.resume=true         go on with a run
  python -m gans.train --list                                  the experiments, a line each

Groups and their options (an experiment and a debug setting take a +, penalties are a list: penalty=[gradient_penalty]):
"""


def options(group: str) -> dict[str, str]:
    """The options of a group with the first comment line of their files; a plugin without a file with its docstring."""
    found = {name: (kind.__doc__ or "").split("\n", 1)[0] for name, kind in COMPONENTS.get(group, {}).items()}
    found.pop("published", None)  # what adult and the other published tables are made of
    for path in sorted((conf_folder() / group).glob("*.yaml")):
        comments = [line[1:].strip() for line in path.read_text().splitlines() if line.startswith("# ")]
        found[path.stem] = next((line for line in comments if not line.startswith("@package")), "")
    return found


def lines(group: str) -> str:
    """The options of a group, a line each."""
    found = options(group)
    width = max(map(len, found), default=0)
    return "".join(f"  {name:{max(width, 18)}} {line}\n" for name, line in found.items())


def usage() -> str:
    """The whole text."""
    text = HEAD
    for folder in sorted(path for path in conf_folder().iterdir() if path.is_dir()):
        text += f"\n{'+' if folder.name in ('experiment', 'debug') else ''}{folder.name}=\n"
        text += lines(folder.name)
    config = to_yaml(compose()).split("\nname:", 1)[1]
    return f"{text}\nKeys with their values when nothing is said:\n\nname:{config}"
