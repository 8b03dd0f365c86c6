"""A page in headless Chromium, driven by the DevTools protocol; enough for tests."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from websockets.sync.client import connect

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
WAIT = 40.0


def browser() -> str | None:
    """The path of a Chromium, if there is one."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


class Chromium:
    """A browser without a window; ends with its context."""

    def __init__(self, folder: Path) -> None:
        program = browser()
        assert program
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        self._process = subprocess.Popen(
            [
                program,
                "--headless=new",
                *root,
                "--disable-gpu",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
            ],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if match := re.search(r"ws://\S+", line):
                self._open = connect(match[0], max_size=None)
                self._socket = self._open.__enter__()
                break
        self._number = 0

    def __enter__(self) -> "Chromium":
        return self

    def __exit__(self, *_: object) -> None:
        self._open.__exit__(None, None, None)
        self._process.kill()
        self._process.wait()
        assert self._process.stderr is not None
        self._process.stderr.close()

    def open(self, address: str, width: int = 1280, height: int = 900, **features: str) -> "Page":
        """A new tab; features are media features such as prefers_color_scheme='dark'."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = Page(self, session, target)
        for domain in ("Page", "Runtime", "Log"):
            page.call(f"{domain}.enable")
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        page.call("Emulation.setDeviceMetricsOverride", size)
        media = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        page.call("Emulation.setEmulatedMedia", {"features": media})
        page.call("Page.navigate", {"url": address})
        return page

    def call(self, method: str, parameters: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """The result of a method of the protocol; what pages report meanwhile is kept with them."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters or {}}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv(WAIT))
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise AssertionError(f"{method}: {answer['error']}")
                return answer["result"]
            Page.hear(answer)


class Page:
    """A tab."""

    tabs: ClassVar[dict[str, "Page"]] = {}

    def __init__(self, chromium: Chromium, session: str, target: str) -> None:
        self._chromium, self._session, self._target = chromium, session, target
        self.errors: list[str] = []
        Page.tabs[session] = self

    @staticmethod
    def hear(message: dict[str, Any]) -> None:
        page, parameters = Page.tabs.get(message.get("sessionId", "")), message.get("params", {})
        if page is None:
            return
        if message["method"] == "Runtime.exceptionThrown":
            page.errors.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
        if message["method"] == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            page.errors.append(parameters["entry"]["text"])
        if message["method"] == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            page.errors.append(str(parameters["args"]))

    def call(self, method: str, parameters: dict[str, Any] | None = None) -> dict[str, Any]:
        return self._chromium.call(method, parameters, self._session)

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        found = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in found:
            raise AssertionError(found["exceptionDetails"])
        return found["result"].get("value")

    def wait(self, script: str, seconds: float = WAIT, good: Callable[[Any], bool] = bool) -> Any:
        """The value of an expression once it is good; null where it fails, as before there is a page."""
        script = f"(() => {{ try {{ return {script} }} catch {{ return null }} }})()"
        end = time.monotonic() + seconds
        while not good(value := self.run(script)):
            assert time.monotonic() < end, f"{script}: {value} after {seconds} s; errors {self.errors[:3]}"
            time.sleep(0.05)
        return value

    def click(self, selector: str) -> None:
        self.run(f"document.querySelector({json.dumps(selector)}).click()")

    def choose(self, selector: str, value: Any) -> None:
        """Another value of a field, as if it was typed or picked."""
        self.run(
            f"(() => {{ const field = document.querySelector({json.dumps(selector)});"
            f"field[field.type === 'checkbox' ? 'checked' : 'value'] = {json.dumps(value)};"
            "field.dispatchEvent(new Event('change', { bubbles: true })); })()"
        )

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", {"type": kind, "key": key, "text": key if kind == "keyDown" else ""})

    def drag(self, points: list[tuple[float, float]]) -> None:
        """Press the mouse at the first point, move along the others, and let go."""
        for place, (x, y) in enumerate(points):
            mouse = {"x": x, "y": y, "button": "left", "buttons": 1, "clickCount": 1}
            self.call("Input.dispatchMouseEvent", mouse | {"type": "mouseMoved" if place else "mousePressed"})
        x, y = points[-1]
        self.call(
            "Input.dispatchMouseEvent", {"type": "mouseReleased", "x": x, "y": y, "button": "left", "clickCount": 1}
        )

    def picture(self, whole: bool = False) -> bytes:
        """A PNG of what is seen, or of the whole page."""
        found = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        return base64.b64decode(found["data"])

    def close(self) -> None:
        Page.tabs.pop(self._session, None)
        self._chromium.call("Target.closeTarget", {"targetId": self._target})
