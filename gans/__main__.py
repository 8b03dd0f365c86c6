"""The command `gans`, and `python -m gans`: every command of the package under one name."""

import importlib
from importlib.metadata import version
from itertools import takewhile

import click

from gans.cli.command import main_command
from gans.cli.completion import complete
from gans.cli.keys import HELP, KeysCommand, run_click, verbosity
from gans.errors import UserError, nearest

COMMANDS = {
    "Make rows": ("train", "sample", "list"),
    "Judge them": ("evaluate", "compare", "quiz"),
    "Use them": ("use", "personas", "augment", "events"),
    "Prepare": ("profiles", "simulate", "domain"),
    "Research": ("tune", "federate", "lab"),
    "The shell": ("completion",),
}


class Commands(click.Group):
    """The commands; the module of one is imported when it is run or its help is shown."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Show the help where it, or nothing, is asked for; else take what stands before the command."""
        before = list(takewhile(lambda argument: argument.startswith("-"), args))
        if not ctx.resilient_parsing and (not args or set(HELP) & set(before)):
            click.echo(self.get_help(ctx))
            ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Their names."""
        return [name for names in COMMANDS.values() for name in names]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of them, or None."""
        if cmd_name not in self.list_commands(ctx):
            return None
        found = importlib.import_module(f"gans.{cmd_name}").command
        assert isinstance(found, KeysCommand)
        return found

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that was typed; a mistake is one line."""
        name = args[0]
        if self.get_command(ctx, name) is None and not ctx.resilient_parsing:
            names = self.list_commands(ctx)
            raise UserError(f"{name}: there is no such command; there are {', '.join(names)}.{nearest(name, names)}")
        return super().resolve_command(ctx, args)

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line for each command, in parts."""
        formatter.write_text(self.help or "")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_usage(ctx.command_path, "COMMAND [KEY=VALUE ...]", prefix="")
            formatter.write_usage(ctx.command_path, "COMMAND --help", prefix="")
        for title, names in COMMANDS.items():
            commands = {name: self.get_command(ctx, name) for name in names}
            with formatter.section(title):
                formatter.write_dl([(name, one.help or "") for name, one in commands.items() if one])
        with formatter.section("Options"):
            records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
            formatter.write_dl([record for record in records if record])


def main() -> None:
    """The console script."""
    if complete(gans):
        return
    main_command(lambda: run_click(gans))


def _show_version(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        print(f"gans {version('gans')}")
        ctx.exit()


gans = Commands(
    "gans",
    help="GAN variants in JAX: tables of customers in, synthetic ones out.",
    add_help_option=False,
    params=[
        click.Option(
            ["--version"],
            is_flag=True,
            expose_value=False,
            is_eager=True,
            callback=_show_version,
            help="print the version",
        ),
        *verbosity(),
        click.Option(
            list(HELP), is_flag=True, expose_value=False, help="show this text; after a command, that of the command"
        ),
    ],
)


if __name__ == "__main__":
    main()
