"""Completion in bash, zsh and fish: click's, with scripts that know that `=` does not end a word here."""

import os
from typing import Any, ClassVar

import click
from click.shell_completion import (
    CompletionItem,
    ShellComplete,
    add_completion_class,
    shell_complete,
    split_arg_string,
)

VARIABLE = "_GANS_COMPLETE"


class _Shell(ShellComplete):
    """A shell, which hands the line up to the cursor over as COMP_LINE."""

    def get_completion_args(self) -> tuple[list[str], str]:
        """The words before the one at the cursor, and that one."""
        line = os.environ.get("COMP_LINE", "")
        words = split_arg_string(line)[1:]
        return words, words.pop() if words and not line[-1:].isspace() else ""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """The value, and the line about it behind a tab."""
        return f"{item.value}\t{item.help}" if item.help else str(item.value)


class Bash(_Shell):
    """Bash replaces what stands behind the last `=` or `:` only, and shows no lines about values."""

    name: ClassVar[str] = "bash"
    source_template: ClassVar[str] = """\
%(complete_func)s() {
    mapfile -t COMPREPLY < <(env %(complete_var)s=bash_complete COMP_LINE="${COMP_LINE:0:COMP_POINT}" \\
        COMP_WORD="${COMP_WORDS[COMP_CWORD]}" %(prog_name)s)
    [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == *[=/.] ]] && compopt -o nospace
    return 0
}
complete -o nosort -F %(complete_func)s %(prog_name)s
"""

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """What bash puts in the place of the word that it sees."""
        _, incomplete = self.get_completion_args()
        word = os.environ.get("COMP_WORD", incomplete)
        kept = "" if word in ("=", ":") else word
        return str(item.value)[len(incomplete) - len(kept) :].replace(" ", "\\ ")


class Zsh(_Shell):
    """Zsh shows the line about a value behind it."""

    name: ClassVar[str] = "zsh"
    source_template: ClassVar[str] = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local line value
    local -a open open_shown whole whole_shown
    for line in "${(@f)$(env %(complete_var)s=zsh_complete COMP_LINE="${(j: :)words[1,CURRENT]}" %(prog_name)s)}"; do
        value="${line%%%%$'\\t'*}"
        [[ -z $value ]] && continue
        if [[ $value == *[=/.] ]]; then
            open+=("$value"); open_shown+=("${line/$'\\t'/  -- }")
        else
            whole+=("$value"); whole_shown+=("${line/$'\\t'/  -- }")
        fi
    done
    (( $#whole )) && compadd -U -V values -l -d whole_shown -a whole
    (( $#open )) && compadd -U -V keys -S '' -l -d open_shown -a open
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    compdef %(complete_func)s %(prog_name)s
fi
"""


class Fish(_Shell):
    """Fish shows the line about a value, and puts no space behind `=` and `/`."""

    name: ClassVar[str] = "fish"
    source_template: ClassVar[str] = """\
function %(complete_func)s
    env %(complete_var)s=fish_complete COMP_LINE=(commandline -cp | string collect) %(prog_name)s
end
complete --no-files --keep-order --command %(prog_name)s --arguments "(%(complete_func)s)"
"""


SHELLS = {kind.name: kind for kind in (Bash, Zsh, Fish)}


def script(shell: str) -> str:
    """What switches completion on in a shell."""
    return SHELLS[shell](click.Command("gans"), {}, "gans", VARIABLE).source()


def complete(command: click.Command) -> bool:
    """Print completions where a shell asks for them; whether it does."""
    instruction = os.environ.get(VARIABLE)
    if not instruction:
        return False
    for name, kind in SHELLS.items():
        add_completion_class(kind, name)
    shell_complete(command, {}, "gans", VARIABLE, instruction)
    return True
