"""Commands whose arguments are KEY=VALUE: click's, with the keys as their options.

`@takes(Key("n", WHOLE, "rows", required=True))` makes a command of a function; `n=10`, `--n 10` and `--n=10` all set
`n`. Help, types, required keys, defaults and completion are click's. A mistake is one line, as everywhere.
"""

import logging
import platform
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from gans.config.known import same_key
from gans.errors import DONE, UserError, nearest
from gans.tracking.log import RESULT, set_up_log

log = logging.getLogger("gans")

HELP = ("-h", "--help")
LEVEL = "gans.level"  # of the log; click's contexts of one call share it


class Key(click.Option):
    """A key of a command.

    Args:
        key: its name; a dot in it is `_` in the function's argument.
        kind: what it holds, of gans.cli.kinds.
        help: a line about it.
        section: the heading under which the help shows it.
        named: whether the key has names of the user's below it, as in `kinds.zip=category`; it holds a dictionary.
        equals: of such a key, whether its names may hold an `=`; its values hold none then.
    """

    def __init__(
        self,
        key: str,
        kind: click.ParamType,
        help: str = "",
        *,
        section: str = "Keys",
        named: bool = False,
        equals: bool = False,
        **more: Any,
    ) -> None:
        self.key, self.section, self.named, self.equals = key, section, named, equals
        super().__init__([f"--{key}", key.replace(".", "_")], type=kind, help=help, multiple=named, **more)

    def type_cast_value(self, ctx: click.Context, value: Any) -> Any:
        """The value; of a key with names below it a dictionary."""
        if not self.named:
            return super().type_cast_value(ctx, value)
        out: dict[str, str] = {}
        for item in value if isinstance(value, (tuple, list)) else ():
            name, equals, text = item.rpartition("=") if self.equals else item.partition("=")
            if not equals or not name:
                raise UserError(f"{self.key}.{item}: arguments are KEY=VALUE, as in {self.key}.NAME=VALUE.")
            if name in out:
                raise UserError(f"{self.key}.{name} is given twice.")
            out[name] = text
        return out

    def get_help_record(self, ctx: click.Context) -> tuple[str, str]:
        """KEY=DEFAULT, or KEY=WHAT where it has none, and the line about it."""
        shown = self.metavar or self.type.name
        if not self.named and isinstance(self.default, (str, int, float)) and self.default != "":
            shown = str(self.default).lower() if isinstance(self.default, bool) else str(self.default)
        needed = " (required)" if self.required else ""
        return f"{self.key}{'.NAME' * self.named}={shown}", f"{self.help or ''}{needed}"


class KeysCommand(click.Command):
    """A command whose arguments are KEY=VALUE.

    Args:
        usages: what may be typed behind the name of the command, each for a line of the help.
        others: what else is taken, for the help; "" where every argument must be a key. It is handed to the function as
            `others`, a list.
        what: stands for that in the help.
        complete: completes what is no key.
        after: a paragraph at the end of the help.
        explain: a help of its own, by the context and the other arguments.
        needs: whether it can do nothing without an argument, so that it shows its help then.
    """

    def __init__(
        self,
        *args: Any,
        usages: Sequence[str] = (),
        others: str = "",
        what: str = "KEY=VALUE",
        complete: Callable[[list[str], str], Iterable[CompletionItem]] | None = None,
        after: str = "",
        explain: Callable[[click.Context, list[str]], str] | None = None,
        needs: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(*args, **more)
        self.usages, self.others, self.what, self.after = usages, others, what, after
        self.complete, self.explain, self.needs = complete, explain, needs
        self.params += verbosity()

    @property
    def keys(self) -> dict[str, Key]:
        """Its keys by name."""
        return {param.key: param for param in self.params if isinstance(param, Key)}

    def run(self, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
        """Run it as a program; the exit status.

        Args:
            arguments: those of the process unless given.
            program: what was typed for it, for help and messages.

        Raises:
            UserError: an argument is wrong, or what the command itself refuses.
        """
        return run_click(self, arguments, program)

    def read(self, arguments: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
        """What stands in some arguments: by key, and the other ones.

        Raises:
            UserError: an argument is wrong.
        """
        with self.make_context(self.name, list(arguments)) as ctx:
            return _said(ctx), ctx.params.get("others", [])

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments into `ctx.params`."""
        if not ctx.resilient_parsing and (set(HELP) & set(args) or (not args and self.needs)):
            rest = [argument for argument in args if argument not in HELP]
            click.echo(self.explain(ctx, rest) if self.explain else self.get_help(ctx))
            ctx.exit()
        options, others = self._sorted(args, strict=not ctx.resilient_parsing)
        try:
            super().parse_args(ctx, options)
        except click.MissingParameter as error:
            key = getattr(error.param, "key", str(error.param and error.param.name))
            usage = f"; usage: {ctx.command_path} {self.usages[0]}" if self.usages else ""
            raise UserError(f"{key} is not set{usage}") from None
        for key in self.keys.values():
            if key.named:
                ctx.params[str(key.name)] = ctx.params[str(key.name)] or {}
        if self.others:
            ctx.params["others"] = others
        return []

    def invoke(self, ctx: click.Context) -> Any:
        """Call the function."""
        log.debug("%s, Python %s: %s", ctx.command_path, platform.python_version(), _said(ctx))
        return super().invoke(ctx)

    def _sorted(self, arguments: list[str], strict: bool) -> tuple[list[str], list[str]]:
        """The keys and flags as options of click, and the other arguments."""
        keys, seen = self.keys, set()
        flags = {name: param for param in self.params for name in param.opts if not isinstance(param, Key)}
        options: list[str] = []
        others: list[str] = []
        waiting = deque(arguments)
        while waiting:
            argument = waiting.popleft()
            name, equals, value = argument.partition("=")
            key = keys.get(name.removeprefix("--"))
            named = next((one for one in keys.values() if one.named and argument.startswith(f"{one.key}.")), None)
            if key and (equals or name.startswith("--")) and not (key.named and not name.startswith("--")):
                if key.key in seen and not key.named and strict:
                    raise UserError(f"{key.key} is given twice.")
                seen.add(key.key)
                options.append(f"--{key.key}={value if equals or not waiting else waiting.popleft()}")
            elif named:
                options.append(f"--{named.key}={argument.removeprefix(f'{named.key}.')}")
            elif name in flags or (argument[:1] == "-" and argument[:2] in flags and argument[:2] != "--"):
                options.append(argument)
                if waiting and argument in flags and _wants(flags[argument], waiting[0]):
                    options.append(waiting.popleft())
            elif self.others and not self._own(argument) and not argument.startswith("-"):
                others.append(argument)
            elif strict:
                raise UserError(self._unknown(argument))
        return options, others

    def _own(self, argument: str) -> bool:
        """Whether an argument is meant for a key of the command, because one begins as it does: federated.x=1."""
        top, dot, _ = argument.partition("=")[0].partition(".")
        return bool(dot) and any(key.startswith(f"{top}.") for key in self.keys)

    def _unknown(self, argument: str) -> str:
        name, equals, _ = argument.partition("=")
        if self.others and name.startswith("-"):
            options = [one for param in self.params if not isinstance(param, Key) for one in param.opts]
            return f"unknown option {name}; there are {', '.join(options)}.{nearest(name, options)}"
        shown = [f"{key.key}.NAME" if key.named else key.key for key in self.keys.values()]
        if not equals:
            meant = next((key.key for key in self.keys.values() if argument in getattr(key.type, "allowed", ())), "")
            near = f" Did you mean {meant}={argument}?" if meant else ""
            return f"{argument}: arguments are KEY=VALUE; keys are {', '.join(shown)}.{near}"
        if (meant := same_key(name)) in self.keys:
            return f"unknown key {name}. Did you mean '{meant}'?"
        near = nearest(name, self.keys)
        return f"unknown key {name}; allowed are {', '.join(shown)}.{near}"

    def format_help(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """What it does, what may be typed, a line for each key."""
        formatter.write_text((self.help or "").strip())
        formatter.write_paragraph()
        for usage in self.usages:
            formatter.write(f"  {ctx.command_path} {usage}".rstrip() + "\n")  # whole, to be copied
        sections: dict[str, list[tuple[str, str]]] = {}
        for key in self.keys.values():
            sections.setdefault(key.section, []).append(key.get_help_record(ctx))
        if self.others:
            sections.setdefault("Keys", []).append((self.what, self.others))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)
        self.format_options(ctx, formatter)
        if self.after:
            formatter.write_paragraph()
            formatter.write_text(self.after)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """A line for each flag."""
        with formatter.section("Options"):
            records = [param.get_help_record(ctx) for param in self.get_params(ctx) if not isinstance(param, Key)]
            formatter.write_dl([record for record in records if record])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Names of keys, values of a key, flags, and what else the command takes."""
        name, equals, start = incomplete.partition("=")
        if key := self.keys.get(name) if equals else None:
            found = key.type.shell_complete(ctx, key, start)
            return [CompletionItem(f"{name}={item.value}", help=item.help) for item in found]
        if incomplete.startswith("-"):
            return super().shell_complete(ctx, incomplete)
        out = [
            CompletionItem(f"{key.key}{'.' if key.named else '='}", help=_first_words(key.help))
            for key in self.keys.values()
            if key.key.startswith(incomplete)
            and (key.named or ctx.get_parameter_source(str(key.name)) is not ParameterSource.COMMANDLINE)
        ]
        return [*out, *(self.complete(ctx.params.get("others", []), incomplete) if self.complete else ())]


def _wants(flag: click.Parameter, argument: str) -> bool:
    """Whether the argument behind a flag is its value; one that may go without takes its own words only."""
    if not isinstance(flag, click.Option) or flag.is_flag:
        return False
    return not isinstance(flag.flag_value, str) or argument in getattr(flag.type, "allowed", ())


def _first_words(text: str | None) -> str:
    return (text or "").partition(";")[0]


def takes(
    *keys: Key, flags: Sequence[click.Option] = (), text: str | None = None, **more: Any
) -> Callable[[Callable[..., int | None]], KeysCommand]:
    """Decorator: a command of a function that is called with the values of these keys, by name.

    Args:
        keys: of the command.
        flags: options that are none, such as --list.
        text: the help, as it stands; made of the keys unless given.
        more: as KeysCommand has it.
    """

    def decorate(function: Callable[..., int | None]) -> KeysCommand:
        needs = any(key.required for key in keys)
        settings = {"needs": needs, "help": function.__doc__, "add_help_option": False} | more
        if text is not None:
            settings["explain"] = lambda ctx, rest: str(text).strip()
        shown = click.Option(list(HELP), is_flag=True, expose_value=False, help="show this text")
        return KeysCommand(
            function.__module__.rpartition(".")[2], callback=function, params=[*keys, *flags, shown], **settings
        )

    return decorate


def said() -> dict[str, Any]:
    """What stood on the command line, by key."""
    return _said(click.get_current_context())


def _said(ctx: click.Context) -> dict[str, Any]:
    return {
        param.key: ctx.params[str(param.name)]
        for param in ctx.command.params
        if isinstance(param, Key) and ctx.get_parameter_source(str(param.name)) is ParameterSource.COMMANDLINE
    }


def verbosity() -> list[click.Option]:
    """The options -q and -v."""

    def quiet(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        _set_level(ctx, RESULT if value else None)

    def verbose(ctx: click.Context, param: click.Parameter, value: bool) -> None:
        _set_level(ctx, logging.DEBUG if value else None)

    return [
        click.Option(
            ["-q", "--quiet"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=quiet,
            help="print only results, warnings and errors: no progress, no remarks",
        ),
        click.Option(
            ["-v", "--verbose"],
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=verbose,
            help="print more, with the elapsed seconds, and the traceback of an error",
        ),
    ]


def _set_level(ctx: click.Context, level: int | None) -> None:
    """Set the log up, before keys are read that have something to say."""
    if level is not None and ctx.meta.setdefault(LEVEL, level) != level:
        raise UserError("-q and -v are given; leave one of them out.")
    set_up_log(ctx.meta.get(LEVEL))


def run_click(command: click.Command, arguments: Sequence[str] | None = None, program: str | None = None) -> int:
    """Run a command of click without what click adds to mistakes and signals; the exit status.

    Raises:
        UserError: an argument is wrong, or what the command itself refuses.
    """
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with command.make_context(program or called(), list(arguments)) as ctx:
            return command.invoke(ctx) or DONE
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        raise UserError(error.format_message()) from None


def called() -> str:
    """What was typed to call this program: gans, python -m gans.train, python scripts/audit.py."""
    modules = [module for flag, module in pairwise(sys.orig_argv) if flag == "-m"]
    if modules:
        return f"python -m {modules[0]}"
    return f"python {sys.argv[0]}" if sys.argv[0].endswith(".py") else Path(sys.argv[0]).name
