"""What can be chosen: `python -m gans.list [GROUP]`."""

from gans.cli.command import main_command
from gans.cli.keys import takes
from gans.cli.overrides import complete_group
from gans.cli.usage import group_names, lines
from gans.errors import UserError, one_of


@takes(
    others="a group of settings; the experiments unless given",
    what="GROUP",
    complete=complete_group,
    usages=("", "GROUP"),
    after="`gans train +experiment=NAME --help` explains the settings of an experiment.",
)
def command(others: list[str]) -> None:
    """List the experiments, or the options of another group, with a sentence each."""
    if len(others) > 1:
        raise UserError(f"{others[1]}: one group is listed at a time; leave it out.")
    group = others[0] if others else "experiment"
    one_of("group", group, group_names())
    print(lines(group), end="")
    if not others:
        print(f"\nOther groups: {', '.join(name for name in group_names() if name != group)}: gans list GROUP")


if __name__ == "__main__":
    main_command(command.run)
