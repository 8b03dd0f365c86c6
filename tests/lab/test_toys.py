"""What is said to toys that train, and what they publish."""

import base64
import json
import queue
from typing import Any

import numpy as np
import pytest

from gans.lab.page import page_files
from gans.lab.setting import usual
from gans.lab.toy import Toy
from gans.lab.toys import DRAWN, Toys, options

SMALL = {"network.generator_widths": [8], "network.discriminator_widths": [8], "trainer.batch_size": 32}


class Heard:
    """A server that keeps what is sent."""

    def __init__(self) -> None:
        self.said: queue.Queue[Any] = queue.Queue()
        self.watched = False
        self.last: dict[str, Any] = {}
        self.told: list[Any] = []
        self.published: list[str] = []

    def publish(self, name: str, message: dict[str, Any]) -> None:
        self.last[name] = message
        self.published.append(name)

    def tell(self, browser: int, name: str, message: dict[str, Any]) -> None:
        self.told.append((browser, name, message))


@pytest.fixture(scope="module")
def made() -> tuple[Toys, Heard]:
    server = Heard()
    toys = Toys(server, SMALL)  # pyright: ignore[reportArgumentType]
    toys._fit(0, toys._settings[0])  # pyright: ignore[reportPrivateUsage]
    toys._toys[0].look(False)  # pyright: ignore[reportPrivateUsage, reportOptionalMemberAccess]
    return toys, server


@pytest.fixture
def toys(made: tuple[Toys, Heard]) -> tuple[Toys, Heard]:
    made[1].told.clear()
    made[1].watched = True
    say(made[0], do="compare", on=False)
    say(made[0], do="pause")
    say(made[0], do="speed", steps=0)
    say(made[0], do="set", setting=usual() | SMALL)
    say(made[0], do="reset")
    assert made[1].told == []
    return made


def said_in(language: str, refused: dict[str, Any]) -> str:
    """A refusal as the page says it."""
    words = json.loads(page_files()[f"/words.{language}.json"][1])
    return words[f"refused_{refused['key']}"].format(**refused["values"])


def say(toys: Toys, **message: Any) -> None:
    toys._do(7, message)  # pyright: ignore[reportPrivateUsage]


def advance(toys: Toys) -> None:
    toys._advance()  # pyright: ignore[reportPrivateUsage]


def test_nobody_is_looked_for_and_the_first_who_comes_sees_how_it_stands(made: tuple[Toys, Heard]) -> None:
    toys, server = made
    assert "toy0" not in server.last
    server.watched = True
    say(toys, do="past")
    assert server.last["toy0"]["step"] == 0
    assert server.last["toy0"]["points"]["shape"] == [1000, 2]
    assert server.told == [(7, "past0", {"side": 0, "past": []})]


def test_a_network_alone_both_and_a_reset(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    for number, part in enumerate(("discriminator", "generator", "both"), 1):
        say(loop, do="step", part=part)
        assert server.last["toy0"]["step"] == loop.steps() == number
    say(loop, do="reset")
    assert server.last["toy0"]["step"] == 0


def test_a_speed_is_kept_and_the_fastest_is_faster(toys: tuple[Toys, Heard]) -> None:
    loop, _ = toys
    say(loop, do="speed", steps=100)
    say(loop, do="play")
    for _ in range(40):
        advance(loop)
    slow = loop.steps()
    assert 40 <= slow <= 110  # 40 blocks of 20 ms or a little more
    say(loop, do="speed", steps=0)
    for _ in range(40):
        advance(loop)
    assert loop.steps() > 3 * slow


def test_what_diverges_stops_and_a_reset_mends_it(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    say(loop, do="set", setting=usual() | SMALL | {"optimizer": "sgd"})  # a toy of its own, which is broken here
    say(loop, do="play")
    toy = loop._toys[0]  # pyright: ignore[reportPrivateUsage]
    assert toy
    toy.look(False)  # once its program is there
    toy.metrics["loss/generator"] = float("nan")
    assert toy.diverged
    toy.train = lambda *_: None  # pyright: ignore[reportAttributeAccessIssue]
    advance(loop)
    assert (server.last["controls"]["playing"], server.last["controls"]["diverged"]) == (False, True)
    assert server.last["toy0"]["metrics"]["loss/generator"] is None
    say(loop, do="reset")
    assert server.last["controls"]["diverged"] is False


def test_a_rate_or_a_seed_makes_no_other_program(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    before = loop._toys[0]  # pyright: ignore[reportPrivateUsage]
    say(loop, do="step", part="both")
    say(loop, do="set", setting=usual() | SMALL | {"optimizer.learning_rate": 0.1})
    assert loop.steps() == 1
    say(loop, do="set", setting=usual() | SMALL | {"seed": 5})
    assert loop.steps() == 0
    assert loop._toys[0] is before  # pyright: ignore[reportPrivateUsage]
    assert "seed=5" in server.last["controls"]["commands"][0]


def test_side_by_side_data_and_seed_are_those_of_both(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    say(loop, do="step", part="both")
    say(loop, do="compare", on=True)
    assert server.last["toy0"]["step"] == server.last["toy1"]["step"] == 0
    say(loop, do="set", side=1, setting=usual() | SMALL | {"data": "line", "objective": "hinge"})
    one, other = server.last["controls"]["settings"]
    assert (one["data"], other["data"], one["objective"], other["objective"]) == (
        "line",
        "line",
        "non_saturating",
        "hinge",
    )
    assert server.last["real0"]["real"] == server.last["real1"]["real"]


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ({"do": "open"}, "do=open: allowed are past, play"),
        ({"do": "step"}, "part=null: allowed are"),
        ({"do": "step", "part": ["both"]}, "part=['both']"),
        ({"do": "set"}, "setting=null: an object"),
        ({"do": "set", "side": 1, "setting": {}}, "side=1: allowed are 0."),
        ({"do": "set", "side": True, "setting": {}}, "side=true"),
        ({"do": "set", "side": "0", "setting": {}}, "side=0"),
        ({"do": "set", "setting": {"data": "drawing"}}, "Draw something, then press"),
        ({"do": "set", "setting": {"data": "drawing"}, "drawing": "x"}, "Draw something, then press"),
        ({"do": "set", "setting": {"data": "drawing"}, "drawing": 7}, "Draw something, then press"),
        ({"do": "set", "setting": {"data": "drawing"}, "drawing": base64.b64encode(bytes(1024)).decode()}, "wider"),
        ({"do": "speed"}, "steps=null: allowed are 1, 10"),
        ({"do": "speed", "steps": 10**9}, "steps=1000000000"),
        ({"do": "speed", "steps": [1]}, "steps=[1]"),
        ({"do": "compare"}, "on=null: allowed are true, false"),
        ({"do": "average", "on": 1.5}, "on=1.5"),
        ({"do": "ahead"}, "steps=null: a whole number from 1 to 100000"),
        ({"do": "ahead", "steps": 10**6}, "steps=1000000"),
        ({"do": "set", "setting": {"objective": "wasserstein"}}, "objective=wasserstein needs one of gradient_penalty"),
        ({"do": "set", "setting": {"objective": "minimax", "penalty": ["r1"]}}, "allowed are none"),
    ],
)
def test_what_cannot_be_is_refused_to_who_said_it(
    toys: tuple[Toys, Heard], message: dict[str, Any], words: str
) -> None:
    loop, server = toys
    before = server.last["controls"]["settings"]
    say(loop, **message)
    assert len(server.told) == 1
    browser, name, refused = server.told[0]
    assert (browser, name) == (7, "refused")
    assert words in said_in("en", refused)
    assert set(said_in("zh", refused)) & set("，。：")
    assert server.last["controls"]["settings"] == before


def test_steps_ahead_are_not_shown_and_end_as_it_was(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    say(loop, do="speed", steps=1)
    server.published.clear()
    say(loop, do="ahead", steps=500)
    assert server.last["controls"]["ahead"] == 0
    shares = []
    while loop._ahead:  # pyright: ignore[reportPrivateUsage]
        assert "toy0" not in server.published
        loop._told = 0  # pyright: ignore[reportPrivateUsage]
        loop._advance_unseen()  # pyright: ignore[reportPrivateUsage]
        shares.append(server.last["controls"]["ahead"])
    assert shares[-1] is None
    assert shares[:-1] == sorted(shares[:-1])
    assert (loop.steps(), server.last["toy0"]["step"], server.last["controls"]["playing"]) == (500, 500, False)
    for stop in ({"do": "pause"}, {"do": "reset"}, {"do": "step", "part": "both"}):
        say(loop, do="ahead", steps=500)
        say(loop, **stop)
        assert server.last["controls"]["ahead"] is None


def test_a_new_setting_is_published_once_and_a_new_toy_begins_once(
    toys: tuple[Toys, Heard], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, server = toys
    begun: list[Toy] = []
    reset = Toy.reset
    monkeypatch.setattr(Toy, "reset", lambda toy, seed: begun.append(toy) or reset(toy, seed))
    say(loop, do="compare", on=True)
    assert len(begun) == len(set(map(id, begun))) == 2
    begun.clear()
    server.published.clear()
    say(loop, do="set", side=1, setting=usual() | SMALL | {"optimizer.learning_rate": 0.1})
    assert server.published.count("controls") == 1
    assert begun == []
    server.published.clear()
    say(loop, do="set", side=1, setting=usual() | SMALL | {"network.latent": 3})
    assert len(begun) == len(set(map(id, begun))) == 2
    assert server.published.count("controls") == 2  # compiling, and there


def test_steps_are_taken_before_they_can_be_seen(toys: tuple[Toys, Heard], monkeypatch: pytest.MonkeyPatch) -> None:
    loop, server = toys
    server.published.clear()
    with monkeypatch.context() as later:
        later.setattr(Toy, "visible", False)
        say(loop, do="step", part="both")
        assert server.last["controls"]["compiling"] == 0
        assert "toy0" not in server.published
    assert loop.steps() == 1
    say(loop, do="past")
    assert server.last["toy0"]["step"] == 1


def test_a_drawing_has_its_levels(toys: tuple[Toys, Heard]) -> None:
    loop, server = toys
    levels = np.zeros((DRAWN, DRAWN), int)
    levels[:8, :8], levels[-8:, -8:] = 1, 3  # above on the left, and three times as dense below on the right
    bytes_ = (levels.reshape(-1, 4) << np.array([6, 4, 2, 0])).sum(axis=1).astype(np.uint8).tobytes()
    drawing = base64.b64encode(bytes_).decode()
    say(loop, do="set", setting=usual() | SMALL | {"data": "drawing"}, drawing=drawing)
    assert server.told == []
    packed = server.last["real0"]["real"]
    real = np.frombuffer(base64.b64decode(packed["data"]), np.float32).reshape(packed["shape"])
    right = real[:, 0] > real[:, 1]
    assert np.mean(right) == pytest.approx(0.75, abs=0.05)
    say(loop, do="step", part="both")
    say(loop, do="set", setting=usual() | SMALL | {"data": "drawing"}, drawing=drawing)
    assert loop.steps() == 1  # the same drawing is no other one


def test_what_the_page_is_offered_can_be_written_down() -> None:
    offered = json.loads(json.dumps(options()))
    assert offered["keys"]["objective"]["words"] == sorted(offered["objectives"])
    assert offered["objectives"]["wasserstein"]["needs"][0] == "gradient_penalty"
    assert offered["usual"] == usual()
