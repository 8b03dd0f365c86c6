"""The command: what it prints, and what it refuses."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def lab(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gans.lab", "open=false", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("port=70000",), "port=70000"),
        (("port=abc",), "port=abc: a whole number is needed"),
        (("run=nowhere", "port=0"), "run=nowhere"),
        (("runs=x",), "unknown key runs; allowed are run, port, open"),
        (("--serve",), "arguments are KEY=VALUE"),
        (("port=1", "port=2"), "port is given twice"),
    ],
)
def test_bad_arguments_are_one_line(arguments: tuple[str, ...], message: str) -> None:
    ended = lab(*arguments)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert message in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_open_is_true_or_false() -> None:
    ended = subprocess.run([sys.executable, "-m", "gans.lab", "open=yes"], cwd=ROOT, capture_output=True, text=True)
    assert (ended.returncode, "open=yes: allowed are true, false" in ended.stderr) == (2, True)


def test_a_port_that_is_taken() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = lab(f"port={taken.getsockname()[1]}")
    assert ended.returncode == 2
    assert "choose another, or 0" in ended.stderr


def test_the_address_is_a_line_of_its_own_and_an_interrupt_ends_it() -> None:
    usual = signal.signal(signal.SIGINT, signal.default_int_handler)  # a child of a background job would ignore it
    process = subprocess.Popen(
        [sys.executable, "-m", "gans.lab", "port=0", "open=false"],
        cwd=ROOT,
        env={**os.environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    signal.signal(signal.SIGINT, usual)
    assert process.stdout is not None
    assert process.stdout.readline().startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out, error) == (130, "", "interrupted\n")
