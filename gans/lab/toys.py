"""Toys that learn while a page looks on: what browsers say is done between blocks, what can be seen is published.

Looking takes a small share of the time, and none while no browser is there. What changes the compiled program, as
another objective, compiles anew; learning rates do not. Steps ahead are trained without being shown.
"""

import base64
import math
import queue
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from gans.errors import UserError
from gans.lab.refusals import RefusedError, listed, told
from gans.lab.server import Server
from gans.lab.setting import RATES, Range, command, keys, read_setting, usual
from gans.lab.toy import Toy
from gans.registry import COMPONENTS

SIDES = 2  # toys at most, side by side
LOOK_SHARE = 0.02  # of the time
FASTEST = 0.04  # seconds between two looks at least
BLOCK = 0.02  # seconds of training between two glances at what browsers say
SPEEDS = (1, 10, 100, 1_000, 0)  # steps a second; 0 for as many as there can be
PAST = 400  # looks whose figures a new page gets
DRAWN = 64  # pixels a side of a density that is drawn
AHEAD = Range(1, 100_000, whole=True)  # steps at once
TELLING = 0.2  # seconds between two words of how far they are


class Toys:
    """One toy, or two side by side on the same data, and the state of the page's controls."""

    def __init__(self, server: Server, setting: Mapping[str, Any]) -> None:
        self._server, self._density = server, None
        self._toys: list[Toy | None] = [None]
        self._settings = [read_setting(setting)]
        self._playing, self._average, self._speed = False, False, 0
        self._look_seconds, self._looked, self._step_seconds = 0.005, 0.0, 1e-3
        self._due, self._advanced = 0.0, 0.0
        self._ahead, self._ahead_of, self._told = 0, 1, 0.0
        self._building: int | None = None
        self._was_compiling: int | None = None
        self._past: list[deque[Any]] = [deque(maxlen=PAST) for _ in range(SIDES)]
        self._actions: dict[str, Callable[[dict[str, Any]], None]] = {
            "play": lambda said: self._play(True),
            "pause": lambda said: self._play(False),
            "step": self._step,
            "ahead": self._go_ahead,
            "set": self._set,
            "compare": self._compare,
            "reset": self._reset,
            "speed": self._set_speed,
            "average": self._set_average,
        }

    @property
    def ready(self) -> bool:
        """Whether there are toys to train, which takes some seconds at first."""
        return None not in self._toys

    def steps(self) -> int:
        """Steps that the first toy has taken."""
        return self._toys[0].step if self._toys[0] else 0

    def run(self) -> None:
        """Train and publish until the process is interrupted."""
        self._fit(0, self._settings[0])
        self._publish_controls()
        while True:
            goes_on = self._playing or self._ahead
            self._hear(wait=0 if goes_on else 0.5 if self._was_compiling is None else 0.05)
            if self._ahead:
                self._advance_unseen()
            elif self._playing:
                self._advance()
            if self._was_compiling is not None and self._compiling is None:
                self._publish_controls()
                self._look()

    def _hear(self, wait: float) -> None:
        """Do what browsers said; wait so many seconds for the first."""
        try:
            browser, said = self._server.said.get(timeout=wait) if wait else self._server.said.get_nowait()
            while True:
                self._do(browser, said)
                browser, said = self._server.said.get_nowait()
        except queue.Empty:
            pass

    def _do(self, browser: int, said: dict[str, Any]) -> None:
        action = self._actions.get(said["do"])
        try:
            if said["do"] == "past":
                for side in range(len(self._toys)):
                    self._server.tell(browser, f"past{side}", {"side": side, "past": list(self._past[side])})
                self._look()  # it may be the first browser that is there
                return
            if action is None:
                raise RefusedError("choice", name="do", value=said["do"], allowed=listed(["past", *self._actions]))
            action(said)
        except UserError as error:
            self._server.tell(browser, "refused", told(error))

    def _play(self, playing: bool) -> None:
        self._playing, self._ahead, self._due, self._advanced = playing, 0, 0.0, time.monotonic()
        self._look()
        self._publish_controls()  # a page that knows of a pause has seen the last step

    def _train(self, steps: int) -> float:
        """Steps of each toy; the seconds that they took."""
        began = time.monotonic()
        for toy in self._toys:
            if toy and steps:
                toy.train(steps)
        taken = time.monotonic() - began
        if steps:
            self._step_seconds += 0.1 * (taken / steps / len(self._toys) - self._step_seconds)
        if any(toy.diverged for toy in self._toys if toy):
            self._play(False)
        return taken

    @property
    def _block(self) -> int:
        """Steps between two glances at what browsers say."""
        return max(int(BLOCK / self._step_seconds / len(self._toys)), 1)

    def _advance(self) -> None:
        """A short block of steps of each toy, as the speed says, and a look where one is due."""
        began, steps = time.monotonic(), self._block
        if self._speed:
            self._due += self._speed * min(began - self._advanced, 10 * BLOCK)
            steps = min(int(self._due), steps)
            self._due -= steps
        self._advanced = began
        taken = self._train(steps)
        if self._speed:
            time.sleep(max(BLOCK - taken, 0))
        if time.monotonic() - self._looked >= max(FASTEST, self._look_seconds / LOOK_SHARE):
            self._look()

    def _go_ahead(self, said: dict[str, Any]) -> None:
        """Begin with steps that are not shown."""
        self._ahead = self._ahead_of = AHEAD.read("steps", said.get("steps"))
        self._publish_controls()

    def _advance_unseen(self) -> None:
        """A short block of steps ahead at full speed; at the last one a look."""
        steps = min(self._block, self._ahead)
        self._ahead -= steps
        self._train(steps)
        if not self._ahead:
            self._play(self._playing)
        elif time.monotonic() - self._told >= TELLING:
            self._publish_controls()

    def _look(self) -> None:
        """Publish what can be seen, where someone looks."""
        if not self._server.watched or self._compiling is not None:
            return
        began = time.monotonic()
        for side, toy in enumerate(self._toys):
            if toy is not None:
                seen = {name: packed(value) for name, value in toy.look(self._average).items()}
                metrics = {name: number(value) for name, value in toy.metrics.items()}
                self._server.publish(f"toy{side}", {"side": side, "step": toy.step, "metrics": metrics, **seen})
                self._remember(side, toy.step, metrics, seen)
        self._looked = time.monotonic()
        self._look_seconds = 0.8 * self._look_seconds + 0.2 * (self._looked - began)

    def _remember(self, side: int, step: int, metrics: Mapping[str, Any], seen: Mapping[str, Any]) -> None:
        """Keep a look's figures for pages that come later."""
        past, losses = self._past[side], (metrics.get(f"loss/{part}") for part in ("discriminator", "generator"))
        if past and past[-1][0] > step:
            past.clear()
        if past and past[-1][0] == step:
            past.pop()
        past.append((step, *losses, seen["kl"], seen["js"]))

    def _step(self, said: dict[str, Any]) -> None:
        part, parts = said.get("part"), ("generator", "discriminator", "both")
        if part not in parts:
            raise RefusedError("choice", name="part", value=part, allowed=listed(parts))
        for toy in self._toys:
            if toy:
                toy.train(1, generator=part != "discriminator", discriminator=part != "generator")
        self._play(False)

    def _set(self, said: dict[str, Any]) -> None:
        """Another setting of one side; the data and the seed are those of both."""
        side = self._side(said)
        setting = read_setting(said.get("setting"))
        redraw = setting["data"] == "drawing" and self._draw(said.get("drawing"))
        self._ahead = 0
        before, common = list(self._toys), {key: setting[key] for key in ("data", "seed")}
        begun = [
            self._fit(place, setting if place == side else one | common, redraw)
            for place, one in enumerate(list(self._settings))
        ]
        if any(begun):  # side by side both begin at once
            self._begin([toy for toy, old in zip(self._toys, before, strict=True) if toy is old])
        self._publish_controls()
        self._look()

    def _draw(self, drawing: Any) -> bool:
        """Take a density that was drawn: DRAWN * DRAWN levels from 0 to 3, from above, four a byte, in base64.

        Returns:
            whether it is another one than before.
        """
        if drawing is None and self._density is not None:
            return False
        try:
            packed_levels = np.frombuffer(base64.b64decode(str(drawing), validate=True), np.uint8)
        except ValueError:
            packed_levels = np.zeros(0, np.uint8)
        if packed_levels.size != DRAWN * DRAWN // 4:
            raise RefusedError("draw_first")
        levels = ((packed_levels[:, None] >> np.array([6, 4, 2, 0])) & 3).reshape(DRAWN, DRAWN)
        if min(np.count_nonzero(levels.any(axis=axis)) for axis in (0, 1)) < 2:
            raise RefusedError("draw_wider")
        same = self._density is not None and np.array_equal(levels, self._density)
        self._density = levels.astype(float)
        return not same

    def _fit(self, side: int, setting: dict[str, Any], redraw: bool = False) -> bool:
        """Make a toy follow a setting: anew, unless what changed needs no new program; whether it begins again."""
        old = self._toys[side]
        free = {*RATES, "seed"}
        if old and not redraw and all(old.setting[key] == value for key, value in setting.items() if key not in free):
            begins = old.setting["seed"] != setting["seed"]
            old.setting.update(setting)
        else:
            begins, self._building = True, side
            self._publish_controls()
            try:
                self._toys[side] = Toy(setting, self._density if setting["data"] == "drawing" else None)
            finally:
                self._building = None
            self._publish_real(side)
        self._settings[side] = setting
        return begins

    @staticmethod
    def _begin(toys: Iterable[Toy | None]) -> None:
        """Set toys back to step 0, with the networks of their seed."""
        for toy in toys:
            if toy:
                toy.reset(toy.setting["seed"])

    def _compare(self, said: dict[str, Any]) -> None:
        """Show a second toy beside the first, or no longer."""
        wanted, first = _flag(said), self._toys[0]
        if wanted and first and len(self._toys) < SIDES:
            self._ahead = 0
            self._begin([first])
            self._settings.append(dict(self._settings[0]))
            self._toys.append(first.twin())
            self._publish_real(1)
        elif not wanted:
            del self._toys[1:], self._settings[1:]
        self._publish_controls()
        self._look()

    def _reset(self, said: dict[str, Any]) -> None:
        self._ahead = 0
        self._begin(self._toys)
        self._publish_controls()
        self._look()

    def _set_speed(self, said: dict[str, Any]) -> None:
        if said.get("steps") not in SPEEDS:
            raise RefusedError("choice", name="steps", value=said.get("steps"), allowed=listed(SPEEDS))
        self._speed, self._due = int(said["steps"]), 0.0
        self._publish_controls()

    def _set_average(self, said: dict[str, Any]) -> None:
        self._average = _flag(said)
        self._publish_controls()
        self._look()

    def _side(self, said: dict[str, Any]) -> int:
        side, sides = said.get("side", 0), range(len(self._toys))
        if type(side) is not int or side not in sides:
            raise RefusedError("choice", name="side", value=side, allowed=listed(sides))
        return side

    @property
    def _compiling(self) -> int | None:
        """The side of which a program is not there yet."""
        waiting = (side for side, toy in enumerate(self._toys) if toy and not toy.visible)
        return next(waiting, None) if self._building is None else self._building

    def _publish_controls(self) -> None:
        steps = [toy.step if toy else 0 for toy in self._toys]
        self._was_compiling, self._told = self._compiling, time.monotonic()
        self._server.publish(
            "controls",
            {
                "playing": self._playing,
                "average": self._average,
                "speed": self._speed,
                "ahead": number(1 - self._ahead / self._ahead_of) if self._ahead else None,
                "compiling": self._was_compiling,
                "diverged": any(toy.diverged for toy in self._toys if toy),
                "settings": self._settings,
                "commands": [command(one, step) for one, step in zip(self._settings, steps, strict=True)],
            },
        )

    def _publish_real(self, side: int) -> None:
        toy = self._toys[side]
        if toy:
            self._server.publish(
                f"real{side}",
                {"side": side, "extent": toy.extent, "real": packed(toy.real), "modes": packed(toy.modes)},
            )


def options() -> dict[str, Any]:
    """What the page offers: by key its values or bounds, and which penalties an objective takes and needs."""
    offered = {key: vars(allowed) for key, allowed in keys().items()}
    objectives = {
        name: {"takes": kind.takes, "needs": kind.needs}  # pyright: ignore[reportAttributeAccessIssue]
        for name, kind in sorted(COMPONENTS["objective"].items())
    }
    return {"keys": offered, "objectives": objectives, "usual": usual()}


def _flag(said: Mapping[str, Any]) -> bool:
    """What is said of something that is on or off."""
    if said.get("on") not in (True, False):
        raise RefusedError("choice", name="on", value=said.get("on"), allowed=listed((True, False)))
    return bool(said["on"])


def packed(value: np.ndarray) -> Any:
    """A number as it is, an array as its shape and float32 in base64."""
    value = np.asarray(value, np.float32)
    if not value.ndim:
        return number(value)
    return {"shape": list(value.shape), "data": base64.b64encode(np.nan_to_num(value).tobytes()).decode()}


def number(value: Any) -> float | None:
    """A number that JSON has, else None."""
    return float(f"{float(value):.6g}") if math.isfinite(value) else None
