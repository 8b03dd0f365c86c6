"""What pages are told: those that come late, too, and nothing that is over."""

import math
from typing import Any

import pytest

from gans.lab.toys import Toys

SMALL = {"network.generator_widths": [4], "network.discriminator_widths": [4], "trainer.batch_size": 32}


class Heard:
    """A server that keeps what is sent."""

    watched = False

    def __init__(self) -> None:
        self.last: dict[str, dict[str, Any]] = {}
        self.told: list[tuple[int, str, dict[str, Any]]] = []

    def publish(self, name: str, message: dict[str, Any]) -> None:
        self.last[name] = message

    def tell(self, browser: int, name: str, message: dict[str, Any]) -> None:
        self.told.append((browser, name, message))


@pytest.fixture
def toys() -> Toys:
    one = Toys(Heard(), SMALL)  # pyright: ignore[reportArgumentType]
    one._build(0)  # pyright: ignore[reportPrivateUsage]
    return one


def say(toys: Toys, **message: Any) -> Any:
    """The server, after a message of a browser."""
    toys._do(7, message)  # pyright: ignore[reportPrivateUsage]
    return toys._server  # pyright: ignore[reportPrivateUsage]


def test_a_page_that_comes_late_sees_what_there_is(toys: Toys) -> None:
    server = say(toys, do="step", part="both")
    assert "toy0" not in server.last  # nobody looked on
    server.watched = True
    say(toys, do="past")
    assert server.last["toy0"]["step"] == 1
    say(toys, do="past")
    assert [row[0] for row in server.told[-1][2]["past"]] == [1]  # once for each step


def test_a_loss_that_is_no_number_is_said_until_it_begins_again(toys: Toys) -> None:
    server = say(toys, do="play")
    toy = toys._toys[0]  # pyright: ignore[reportPrivateUsage]
    assert toy
    toy.setting["optimizer.learning_rate"] = math.nan
    toys._advance()  # pyright: ignore[reportPrivateUsage]
    toys._advance()  # pyright: ignore[reportPrivateUsage]
    say(toys, do="pause")
    assert "not a number" in server.last["refused"]["message"]
    assert not server.last["controls"]["playing"]
    say(toys, do="reset")
    assert server.last["refused"] == {"message": ""}


@pytest.mark.parametrize("side", [0.0, False, "0", None, 1, [0]])
def test_a_side_that_is_none_is_refused(toys: Toys, side: Any) -> None:
    server = say(toys, do="set", side=side, setting=SMALL)
    assert "allowed are 0 to 0" in server.told[-1][2]["message"]
