"""A page and its messages, served to browsers from a thread of its own, to those of this machine unless asked.

What is published waits in a slot of each browser, where a newer message of the same name takes the place of an older
one: nobody who publishes waits for a browser. What browsers say waits in a queue, to be read when it suits. Messages
are JSON; nothing that a browser says names a file. A browser needs the token of the address; a page of another origin
is refused, as is a Host that is a name, which a rebound name of the DNS would bring.
"""

import asyncio
import contextlib
import errno
import hmac
import http
import ipaddress
import json
import logging
import queue
import secrets
import socket
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from gans.errors import UserError, missing_extra
from gans.lab.refusals import RefusedError, told

BROWSERS = 32  # at a time
CONNECTIONS = 128  # at a time, those that say nothing among them; a process may have a thousand files open
LARGEST = 2**16  # bytes of a message from a browser
WAITING = 256  # messages of browsers that are not read yet
LOCAL = "127.0.0.1"
EVERY = "0.0.0.0"  # all addresses of this machine
POLICY = "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'"


def import_websockets() -> Any:
    """The module, or UserError that says how to install it."""
    try:
        import websockets.asyncio.server
    except ImportError:
        raise missing_extra("the page", "lab") from None
    return websockets


class Server:
    """Serves from entering to leaving it.

    Attributes:
        address: of the page, with the token.
        said: what browsers say, (number of the browser, message) each.
    """

    def __init__(
        self,
        files: Mapping[str, tuple[str, bytes]],
        port: int,
        host: str = LOCAL,
        *,
        policy: str = POLICY,
        largest: int = LARGEST,
    ) -> None:
        """Bind.

        Args:
            files: by path, as "/" or "/page.js", type and content.
            port: 0 for any that is free.
            host: an IPv4 address of this machine. Elsewhere than on 127.0.0.1 the token is what keeps strangers out.
            policy: the Content-Security-Policy of the files.
            largest: bytes of a message from a browser.

        Raises:
            UserError: the port is taken, this machine has no such address, or websockets is not installed.
        """
        self._module, self._files, self._host = import_websockets(), files, host
        self._policy, self._largest = policy, largest
        self.said: queue.Queue[tuple[int, dict[str, Any]]] = queue.Queue(WAITING)
        self._token, self._last, self._browsers = secrets.token_urlsafe(24), {}, {}
        self._loop, self._ready, self._count = asyncio.new_event_loop(), threading.Event(), 0
        self._failure: OSError | None = None
        self._thread = threading.Thread(target=self._run, args=(port,), daemon=True, name="lab server")
        self._thread.start()
        self._ready.wait()
        if self._failure and self._failure.errno == errno.EADDRNOTAVAIL:
            raise UserError(f"host={host}: it is not an address of this machine; {LOCAL} is, {EVERY} stands for all.")
        if self._failure:
            raise UserError(f"port={port}: it cannot be listened on ({self._failure.strerror}); choose another, or 0.")

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(5)

    @property
    def address(self) -> str:
        """http://HOST:PORT/?token=TOKEN."""
        host = outward_address() if self._host == EVERY else self._host
        return f"http://{host}:{self.port}/?token={self._token}"

    @property
    def watched(self) -> bool:
        """Whether a browser is there to see anything."""
        return bool(self._browsers)

    def publish(self, name: str, message: Mapping[str, Any]) -> None:
        """Send a message to every browser, now and to those that come later; a later one of this name replaces it."""
        text = json.dumps({"name": name, **message}, separators=(",", ":"), allow_nan=False)
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._put, name, text, None)

    def tell(self, browser: int, name: str, message: Mapping[str, Any]) -> None:
        """Send a message to one browser."""
        text = json.dumps({"name": name, **message}, separators=(",", ":"), allow_nan=False)
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._put, name, text, browser)

    def _put(self, name: str, text: str, browser: int | None) -> None:
        if browser is None:
            self._last[name] = text
        for number, slot in self._browsers.items():
            if browser in (None, number):
                slot.put(name, text)

    def _run(self, port: int) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve(port))
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self, port: int) -> None:
        self._over = asyncio.Event()
        logging.getLogger("websockets").setLevel(logging.CRITICAL)  # what strangers send is no news
        try:
            server = await self._module.asyncio.server.serve(
                self._talk,
                self._host,
                port,
                process_request=self._answer,
                compression=None,
                max_size=self._largest,
                max_queue=16,
                create_connection=_limited(self._module.asyncio.server.ServerConnection),
                server_header=None,
            )
        except OSError as error:
            self._failure = error
            return
        self.port = next(iter(server.sockets)).getsockname()[1]
        self._ready.set()
        async with server:
            await self._over.wait()

    def _answer(self, connection: Any, request: Any) -> Any:
        """A file, a refusal, or nothing where a browser may talk."""
        address = urlsplit(request.path)
        if not self._is_own(request.headers.get("Host", "")):
            return connection.respond(http.HTTPStatus.FORBIDDEN, "another host\n")
        known = parse_qs(address.query).get("token", [""])[0]
        allowed = hmac.compare_digest(known.encode(), self._token.encode())
        if address.path in ("/", "/talk") and not allowed:
            return connection.respond(http.HTTPStatus.FORBIDDEN, "the address lacks its token; it is in the terminal\n")
        if address.path == "/talk":
            origin = request.headers.get("Origin")
            if origin != f"http://{request.headers.get('Host')}":
                return connection.respond(http.HTTPStatus.FORBIDDEN, "another origin\n")
            if len(self._browsers) >= BROWSERS:
                return connection.respond(http.HTTPStatus.SERVICE_UNAVAILABLE, "too many pages are open\n")
            return None
        if address.path not in self._files:
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no such page\n")
        kind, content = self._files[address.path]
        response = connection.respond(http.HTTPStatus.OK, "")
        for name in ("Content-Type", "Content-Length"):
            del response.headers[name]
        response.headers["Content-Type"] = kind
        response.headers["Content-Length"] = str(len(content))
        response.headers["Cache-Control"] = "no-store"
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Content-Security-Policy"] = self._policy
        response.body = content
        return response

    def _is_own(self, host: str) -> bool:
        """Whether a browser that names this Host may have come here other than by a rebound name of the DNS.

        Elsewhere than on 127.0.0.1 any address will do: behind a forwarded port it is another than the one bound.
        """
        if self._host == LOCAL:
            return host in (f"{LOCAL}:{self.port}", f"localhost:{self.port}")
        try:
            ipaddress.IPv4Address(host.partition(":")[0])
        except ValueError:
            return False
        return True

    async def _talk(self, connection: Any) -> None:
        """Send what waits for a browser, and take what it says, until it goes."""
        if len(self._browsers) >= BROWSERS:
            return
        self._count += 1
        number, slot = self._count, _Slot()
        for name, text in self._last.items():
            slot.put(name, text)
        self._browsers[number] = slot
        sending = asyncio.create_task(slot.send_all(connection))
        try:
            async for text in connection:
                self._hear(number, text)
        except self._module.exceptions.ConnectionClosed:
            pass
        finally:
            self._browsers.pop(number, None)
            sending.cancel()

    def _hear(self, number: int, text: Any) -> None:
        try:
            message = json.loads(text)
        except (ValueError, RecursionError):
            message = None
        if not isinstance(message, dict) or not isinstance(message.get("do"), str):
            self.tell(number, "refused", told(RefusedError("broken")))
            return
        try:
            self.said.put_nowait((number, message))
        except queue.Full:
            self.tell(number, "refused", told(RefusedError("busy")))


def _limited(kind: Any) -> Any:
    """A kind of connection of which there are so many at most; others are dropped at once."""
    there: set[Any] = set()

    class Limited(kind):
        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            there.add(self)
            if len(there) > CONNECTIONS:
                transport.abort()

        def connection_lost(self, exc: Any) -> None:
            there.discard(self)
            super().connection_lost(exc)

    return Limited


def outward_address() -> str:
    """The address of this machine in its network, as far as its routes say; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        try:
            one.connect(("192.0.2.1", 9))  # an address for documentation (RFC 5737), by the usual route
        except OSError:
            return LOCAL
        return one.getsockname()[0]


class _Slot:
    """What waits to be sent to one browser, by name."""

    def __init__(self) -> None:
        self._waiting: dict[str, str] = {}
        self._some = asyncio.Event()

    def put(self, name: str, text: str) -> None:
        self._waiting.pop(name, None)  # it goes to the end
        self._waiting[name] = text
        self._some.set()

    async def send_all(self, connection: Any) -> None:
        with contextlib.suppress(Exception):  # the browser has gone
            while True:
                await self._some.wait()
                self._some.clear()
                for name in list(self._waiting):
                    await connection.send(self._waiting.pop(name))
