"""KEY=VALUE: how it is read, what is refused and in which words, and the help that is made of it."""

import logging
from typing import Any

import pytest

from gans.cli.keys import Key, KeysCommand, said, takes
from gans.cli.kinds import NAMES, NUMBER, TEXT, TRUTH, WHOLE, choice
from gans.errors import UserError
from gans.tracking.log import RESULT
from gans.tracking.terminal import console

CALLS: list[dict[str, Any]] = []


@takes(
    Key("n", WHOLE, "rows", required=True),
    Key("share", NUMBER, "of them", default=0.5),
    Key("names", NAMES, "columns"),
    Key("refine", TRUTH, "whether", default=True),
    Key("level", choice("fast", "full"), "how much", default="fast"),
    Key("data.delimiter", TEXT, "a sign", section="Files"),
    Key("kinds", TEXT, "by column", named=True, equals=True),
    Key("formats", TEXT, "by column", named=True),
    usages=("n=10 [KEY=VALUE ...]",),
)
def plain(**given: Any) -> int:
    """Do what is asked for."""
    CALLS.append({"given": given, "said": said()})
    return 3


@takes(Key("trials", WHOLE, "how many", default=20), Key("own.x", TEXT, "one"), others="as in gans train", needs=True)
def more(trials: int, others: list[str], **_: Any) -> None:
    """Takes overrides, too."""
    CALLS.append({"trials": trials, "others": others})


@pytest.fixture(autouse=True)
def clean() -> None:
    CALLS.clear()


def call(command: KeysCommand, *arguments: str) -> dict[str, Any]:
    command.run(arguments, "gans plain")
    return CALLS[-1]


def test_values_are_read_by_the_kind_of_their_key() -> None:
    assert plain.run(["n=1e3", "share=.25", "names=[a,b]", "refine=false", "level=full"], "gans plain") == 3
    given = CALLS[-1]["given"]
    assert (given["n"], given["share"], given["names"]) == (1000, 0.25, ["a", "b"])
    assert (given["refine"], given["level"], given["data_delimiter"], given["kinds"]) == (False, "full", None, {})


@pytest.mark.parametrize("arguments", [["n=5"], ["--n", "5"], ["--n=5"], ["n=5.0"], ["n=5e0"]])
def test_every_way_of_typing_a_key_is_the_same(arguments: list[str]) -> None:
    assert call(plain, *arguments)["said"] == {"n": 5}
    assert CALLS[-1]["given"]["share"] == 0.5


def test_names_of_the_user_may_hold_signs() -> None:
    found = call(
        plain, "n=1", "kinds.a=b=category", "kinds.first name=integer", "formats.paid=%d=%m", "data.delimiter=="
    )
    assert found["said"]["kinds"] == {"a=b": "category", "first name": "integer"}
    assert found["said"]["formats"] == {"paid": "%d=%m"}
    assert found["said"]["data.delimiter"] == "="
    assert call(plain, "n=1", "--kinds", "zip=category")["said"]["kinds"] == {"zip": "category"}


PLAIN = "n, share, names, refine, level, data.delimiter, kinds.NAME, formats.NAME"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["share=1"], "n is not set; usage: gans plain n=10 [KEY=VALUE ...]"),
        (["n=few"], "n=few: a whole number is needed."),
        (["n=1.5"], "n=1.5: a whole number is needed."),
        (["n=1e999"], "n=1e999: a whole number is needed."),
        (["n=1", "share=half"], "share=half: a number is needed."),
        (["n=1", "refine=no"], "refine=no: allowed are true, false."),
        (["n=1", "level=fsat"], "level=fsat: allowed are fast, full. Did you mean 'fast'?"),
        (["n=1", "n=2"], "n is given twice."),
        (["n=1", "--n", "2"], "n is given twice."),
        (["n=1", "kinds.a=x", "kinds.a=y"], "kinds.a is given twice."),
        (["n=1", "kinds.a"], "kinds.a: arguments are KEY=VALUE, as in kinds.NAME=VALUE."),
        (["n=1", "--serve"], "--serve: arguments are KEY=VALUE; keys are n, share, names, refine, level, "),
        (["n=1", "10"], "10: arguments are KEY=VALUE; keys are n, share, "),
        (["full"], f"full: arguments are KEY=VALUE; keys are {PLAIN}. Did you mean level=full?"),
        (["n=1", "-q", "-v"], "-q and -v are given; leave one of them out."),
        (
            ["n=1", "shar=1"],
            "unknown key shar; allowed are n, share, names, refine, level, data.delimiter, kinds.NAME, ",
        ),
    ],
)
def test_a_mistake_is_one_line(arguments: list[str], message: str) -> None:
    with pytest.raises(UserError) as caught:
        plain.run(arguments, "gans plain")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert CALLS == []


def test_the_nearest_key_is_named() -> None:
    with pytest.raises(UserError, match=r"Did you mean 'data\.delimiter'\?"):
        plain.run(["n=1", "data.delimeter=;"])
    for name in ("sep", "separator"):  # as other programs call it
        with pytest.raises(UserError, match=rf"^unknown key data\.{name}\. Did you mean 'data\.delimiter'\?$"):
            plain.run(["n=1", f"data.{name}=;"])


def test_other_arguments_are_handed_on_but_for_those_that_begin_as_a_key_does() -> None:
    assert call(more, "+experiment=cgan", "trials=3", "seed=1", "~penalty") == {
        "trials": 3,
        "others": ["+experiment=cgan", "seed=1", "~penalty"],
    }
    with pytest.raises(UserError, match=r"unknown key own\.y; allowed are trials, own\.x\."):
        more.run(["own.y=1"])


def test_help_has_a_line_for_each_key(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["-h"], ["shar=1", "--help"]):
        assert plain.run(arguments, "gans plain") == 0
        text = capsys.readouterr().out
        assert text.startswith("Do what is asked for.\n\n  gans plain n=10 [KEY=VALUE ...]\n")
        for line in ("  n=N  ", "  share=0.5  ", "  refine=true  ", "  level=fast  ", "  kinds.NAME=TEXT  "):
            assert line in text
        assert "Files:\n  data.delimiter=TEXT" in text
        assert max(map(len, text.splitlines())) <= 80
    assert CALLS == []


@pytest.mark.parametrize(
    ("flag", "level", "quiet"), [("-q", RESULT, True), ("-v", logging.DEBUG, False), ("", logging.INFO, False)]
)
def test_quiet_and_verbose(flag: str, level: int, quiet: bool, capsys: pytest.CaptureFixture[str]) -> None:
    log = logging.getLogger("gans")
    plain.run(["n=1", *filter(None, [flag])])
    assert (log.level, console.quiet) == (level, quiet)
    log.info("a remark")
    log.log(RESULT, "a result")
    log.warning("a warning")
    said = capsys.readouterr().err
    assert ["a remark" in said, "a result" in said, "a warning" in said] == [not quiet, True, True]
    assert (" s  a remark" in said) == (flag == "-v")


def test_with_verbose_a_mistake_shows_where_it_was_found(capsys: pytest.CaptureFixture[str]) -> None:
    from gans.cli.command import run_command

    @takes(Key("n", WHOLE, "rows"))
    def failing(n: int | None) -> None:
        """Fails."""
        raise UserError("n: of the test.")

    for flags, traced in (((), False), (("-v",), True)):
        assert run_command(lambda flags=flags: failing.run(["n=1", *flags])) == 2
        said = capsys.readouterr().err
        assert ("Traceback" in said) == traced
        assert said.endswith("error: n: of the test.\n")
