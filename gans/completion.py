"""Completion of `gans` in a shell: `gans completion bash|zsh|fish` prints what switches it on."""

from gans.cli.command import main_command
from gans.cli.completion import SHELLS, script
from gans.cli.keys import takes
from gans.cli.overrides import complete_shell
from gans.errors import UserError, one_of


@takes(
    others="bash, zsh or fish",
    what="SHELL",
    complete=complete_shell,
    usages=("SHELL",),
    after='For bash: eval "$(gans completion bash)" in ~/.bashrc; zsh: eval "$(gans completion zsh)" in ~/.zshrc; '
    "fish: gans completion fish > ~/.config/fish/completions/gans.fish",
    needs=True,
)
def command(others: list[str]) -> None:
    """Print a script that completes commands, keys, runs, experiments and files in a shell."""
    if len(others) > 1:
        raise UserError(f"{others[1]}: one shell is needed.")
    one_of("shell", others[0], SHELLS)
    print(script(others[0]))


if __name__ == "__main__":
    main_command(command.run)
