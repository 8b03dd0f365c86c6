"""The server: who may talk, what is heard, and that nobody waits for a browser."""

import contextlib
import http.client
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from gans.errors import UserError
from gans.lab.page import page_files
from gans.lab.server import BROWSERS, LARGEST, Server


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(page_files(), 0) as one:
        yield one


def talk(server: Server, origin: str | None = None, token: str | None = None) -> connect:
    own = server.address.split("token=")[1]
    address = f"ws://127.0.0.1:{server.port}/talk?token={own if token is None else token}"
    wanted: Any = f"http://127.0.0.1:{server.port}" if origin is None else (origin or None)
    return connect(address, origin=wanted, compression=None)


def got(server: Server, path: str, host: str | None = None) -> tuple[int, bytes, str]:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
    client.putrequest("GET", path, skip_host=host is not None)
    if host is not None:
        client.putheader("Host", host)
    client.endheaders()
    answer = client.getresponse()
    content, kind = answer.read(), answer.headers["Content-Type"]
    client.close()
    return answer.status, content, kind


def test_the_page_is_served_to_who_has_the_token(server: Server) -> None:
    path = server.address.partition(str(server.port))[2]
    status, content, kind = got(server, path)
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert content == page_files()["/"][1]
    assert got(server, "/app.js")[0] == 200
    for other in ("/", "/?token=", "/?token=x", path[:-1]):
        assert got(server, other)[0] == 403


@pytest.mark.parametrize(
    "path", ["/../setting.py", "/..%2fsetting.py", "//etc/passwd", "/page/app.js", "/__init__.py", "/%00"]
)
def test_no_other_file_is_read(server: Server, path: str) -> None:
    assert got(server, path)[0] == 404


def test_a_rebound_name_gets_nothing(server: Server) -> None:
    path = server.address.partition(str(server.port))[2]
    assert got(server, path, host="evil.example")[0] == 403
    assert got(server, path, host=f"localhost:{server.port}")[0] == 200


@pytest.mark.parametrize(
    "given", [{"origin": "http://evil.example"}, {"origin": ""}, {"origin": "null"}, {"token": "x"}, {"token": ""}]
)
def test_strangers_do_not_talk(server: Server, given: dict[str, str]) -> None:
    with pytest.raises(InvalidStatus) as refused, talk(server, **given):
        pass
    assert refused.value.response.status_code == 403
    assert not server.watched


def test_messages_are_heard_and_the_last_of_each_name_is_sent(server: Server) -> None:
    server.publish("one", {"value": 1})
    server.publish("one", {"value": 2})
    server.publish("other", {"value": 3})
    with talk(server) as browser:
        first = [json.loads(browser.recv(10)) for _ in range(2)]
        assert first == [{"name": "one", "value": 2}, {"name": "other", "value": 3}]
        browser.send(json.dumps({"do": "play"}))
        number, said = server.said.get(timeout=10)
        assert said == {"do": "play"}
        server.tell(number, "refused", {"message": "no"})
        assert json.loads(browser.recv(10)) == {"name": "refused", "message": "no"}
    with talk(server) as later:
        assert json.loads(later.recv(10))["value"] == 2  # what is told to one is not repeated to another
        assert json.loads(later.recv(10))["value"] == 3


@pytest.mark.parametrize("text", ["", "[", "[]", '"x"', "7", '{"do": 7}', "[" * 60_000, "\x00"])
def test_broken_messages_are_refused_and_the_talk_goes_on(server: Server, text: str) -> None:
    with talk(server) as browser:
        browser.send(text)
        assert json.loads(browser.recv(10)) == {"name": "refused", "key": "broken", "values": {}}
        browser.send('{"do": "play"}')
        assert server.said.get(timeout=10)[1] == {"do": "play"}


def test_a_message_too_large_ends_the_talk_alone(server: Server) -> None:
    with talk(server) as browser, talk(server) as other:
        browser.send("x" * (LARGEST + 1))
        with pytest.raises(ConnectionClosed):
            browser.recv(10)
        other.send('{"do": "play"}')
        assert server.said.get(timeout=10)[1] == {"do": "play"}


def test_too_much_at_once_is_refused(server: Server) -> None:
    with talk(server) as browser:
        for _ in range(600):
            browser.send('{"do": "play"}')
        assert json.loads(browser.recv(10)) == {"name": "refused", "key": "busy", "values": {}}


MANY = """
import socket, sys, time
idle = [socket.create_connection(("127.0.0.1", int(sys.argv[1]))) for _ in range(1_000)]
print(len(idle), flush=True)
time.sleep(60)
"""


def test_a_thousand_connections_leave_those_who_are_there(server: Server) -> None:
    with talk(server) as browser, contextlib.ExitStack() as others:
        command = [sys.executable, "-c", MANY, str(server.port)]
        process = others.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        others.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "1000\n"  # they say nothing
        server.publish("one", {"value": 1})
        assert json.loads(browser.recv(10))["value"] == 1
        process.kill()
        process.wait()
        time.sleep(0.5)  # until the server has seen them go
        for _ in range(BROWSERS - 1):
            others.enter_context(talk(server))
        for _ in range(10):
            with pytest.raises(InvalidStatus) as refused, talk(server):
                pass
            assert refused.value.response.status_code == 503
        server.publish("one", {"value": 2})
        assert json.loads(browser.recv(10))["value"] == 2


def test_nobody_waits_for_a_browser_that_does_not_read(server: Server) -> None:
    with talk(server):
        began = time.monotonic()
        for number in range(500):
            server.publish("large", {"number": number, "text": "x" * 100_000})
        assert time.monotonic() - began < 5
        with talk(server) as other:
            while json.loads(other.recv(10))["number"] != 499:
                pass


def test_a_port_that_is_taken_is_named(server: Server) -> None:
    with pytest.raises(UserError, match=rf"port={server.port}: it cannot be listened on \(.*\); choose another, or 0"):
        Server(page_files(), server.port)
