"""What shells are offered, and the scripts that ask for it."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gans.__main__ import gans
from gans.cli.completion import SHELLS, VARIABLE, Bash, script


@pytest.fixture
def offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function: the values for a line up to the cursor, in a folder with a run and a table."""
    monkeypatch.chdir(tmp_path)
    run = tmp_path / "runs" / "tabular" / "2026-11-28_10-00-00"
    run.mkdir(parents=True)
    (run / "config.yaml").touch()
    (tmp_path / "my table.csv").touch()

    def complete(line: str, word: str | None = None, shell: type = SHELLS["fish"]) -> list[str]:
        monkeypatch.setenv("COMP_LINE", line)
        if word is None:
            monkeypatch.delenv("COMP_WORD", raising=False)
        else:
            monkeypatch.setenv("COMP_WORD", word)
        return [text.partition("\t")[0] for text in shell(gans, {}, "gans", VARIABLE).complete().splitlines()]

    return complete


RUN = "tabular/2026-11-28_10-00-00"


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("gans tr", ["train"]),
        ("gans sample run=", ["run=last", f"run=runs/{RUN}", f"run={RUN}"]),
        ("gans sample run=la", ["run=last"]),
        ("gans evaluate members=", ["members=all", "members=best"]),
        ("gans evaluate real=my", ["real=my table.csv"]),
        ("gans train +experiment=ta", ["+experiment=tabular"]),
        ("gans train experiment=ta", ["experiment=tabular"]),
        ("gans train +exp", ["+experiment="]),
        ("gans train network=res", ["network=residual", "network=residual_conv"]),
        ("gans train penalty=[r1,r", ["penalty=[r1,r2"]),
        ("gans train trainer.res", ["trainer.resume="]),
        ("gans train trainer.resume=", ["trainer.resume=true", "trainer.resume=false"]),
        ("gans train run_dir=tab", [f"run_dir={RUN}"]),
        ("gans train optimizer.learning_rate=1 optimizer.learning", []),
        ("gans tune trials=3 optimizer.mom", ["optimizer.momentum="]),
        ("gans list net", ["network"]),
        ("gans completion ", ["bash", "zsh", "fish"]),
        ("gans lab --ver", ["--verbose"]),
    ],
)
def test_values(line: str, values: list[str], offered: Any) -> None:
    assert offered(line) == values


def test_keys_are_those_that_are_not_typed_yet(offered: Any) -> None:
    from gans.sample import command

    assert offered("gans sample n=3 ") == [f"{key}=" for key in command.keys if key != "n"]


def test_bash_gets_what_stands_behind_its_own_breaks(offered: Any) -> None:
    assert offered("gans sample run=", "=", Bash) == ["last", f"runs/{RUN}", RUN]
    assert offered("gans sample run=ru", "ru", Bash) == [f"runs/{RUN}"]
    assert offered("gans evaluate real=my", "my", Bash) == ["my\\ table.csv"]
    assert offered("gans sam", "sam", Bash) == ["sample"]


@pytest.mark.parametrize("shell", SHELLS)
def test_a_script_is_one_of_its_shell(shell: str, command: Any) -> None:
    done = command("completion", shell)
    assert (done.status, done.out.rstrip()) == (0, script(shell).rstrip())
    if shutil.which(shell):
        flag = "--no-execute" if shell == "fish" else "-n"
        assert subprocess.run([shell, flag], input=done.out, text=True).returncode == 0


def test_bash_completes_a_line(tmp_path: Path, offered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "bin" / "gans"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nprintf 'run=\\n'\n")
    program.chmod(0o755)
    lines = f"{script('bash')}\nCOMP_LINE='gans sample r'; COMP_POINT=13; COMP_WORDS=(gans sample r); COMP_CWORD=2\n"
    lines += 'compopt() { echo "compopt $*"; }; _gans_completion; echo "${COMPREPLY[@]}"\n'
    environment = {"PATH": f"{program.parent}:/usr/bin:/bin"}
    done = subprocess.run(["bash", "-c", lines], capture_output=True, text=True, env=environment)
    assert done.stdout.splitlines() == ["compopt -o nospace", "run="]


def test_a_shell_that_is_not_there(command: Any) -> None:
    assert "shell=tcsh: allowed are bash, zsh, fish." in command("completion", "tcsh").err
