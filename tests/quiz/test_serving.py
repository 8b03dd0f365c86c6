"""A quiz that is served: who gets what, answers that are kept at once, refusals, and the page in a real browser."""

import contextlib
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from websockets.sync.client import connect

import gans.lab
import gans.quiz
from gans.lab.server import Server
from gans.quiz.answers import Quiz
from gans.quiz.page import FOLDER, WORDS
from gans.quiz.serving import LARGEST, check_serving, own_result, served_page, take
from tests.lab.chromium import Chromium, browser
from tests.quiz.conftest import answer, key_rows, tell_tale

Make = Callable[..., Path]
ROOT = Path(__file__).parents[2]


@contextlib.contextmanager
def served(folder: Path, *more: str) -> Iterator[tuple[list[str], subprocess.Popen[str]]]:
    """The links of a folder that another process serves."""
    raters = 2
    arguments = [
        sys.executable,
        "-m",
        "gans.quiz",
        f"serve={folder}",
        "port=0",
        "open=false",
        f"raters={raters}",
        *more,
    ]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield [process.stdout.readline().strip() for _ in range(raters)], process
        finally:
            process.kill()


def say(link: str, message: Any) -> dict[str, Any]:
    """What the server replies to a message of a page."""
    origin, query = link.split("/?")
    address = f"{origin.replace('http', 'ws')}/talk?{query}"
    with connect(address, origin=origin, compression=None) as one:  # pyright: ignore[reportArgumentType]
        one.send(json.dumps(message))
        return json.loads(one.recv(60))


def test_answers_are_kept_at_once_and_the_rater_sees_their_own_result(make: Make, command: Any) -> None:
    folder = make()
    with served(folder) as (links, process):
        assert [link.split("rater=")[1] for link in links] == ["rater-1", "rater-2"]
        assert len({link.split("&")[0] for link in links}) == 1
        given = answer(folder, "rater-1", tell_tale, "always 99")
        reply = say(links[0], {"do": "answers", "content": json.dumps(given)})
        known = {item: (rows[0]["kind"], rows[0]["right"]) for item, rows in key_rows(folder).items()}
        wrong = dict.fromkeys(("real", "synthetic"), 0)
        for one in given["answers"]:
            kind, right = known[one["item"]]
            if kind in wrong:
                wrong[kind] += one["answer"] != right
        expected = {
            "all": [sum(wrong.values()), 100],
            "real": [wrong["real"], 50],
            "synthetic": [wrong["synthetic"], 50],
        }
        assert reply == {"name": "taken", "result": expected}
        table = pq.read_table(folder / "answers.parquet")
        assert table.num_rows == 126
        assert say(links[0], {"do": "answers", "content": json.dumps(given)}) == reply  # again, as after a reload
        assert pq.read_table(folder / "answers.parquet").equals(table)

        def refused(content: Any, **more: Any) -> str:
            found = say(links[0], {"do": "answers", "content": content} | more)
            assert found["name"] == "refused"
            return found["values"].get("message", found["key"])

        changed = given | {"answers": [given["answers"][0] | {"seconds": 77}, *given["answers"][1:]]}
        assert refused(json.dumps(changed)) == "answered"
        assert "not readable as JSON" in refused("{")
        assert "another quiz" in refused(json.dumps(given | {"quiz": "x"}))
        assert str(folder) not in refused(json.dumps(given | {"quiz": "x"}))
        assert "more are not answered" in refused(json.dumps(given | {"rater": "b", "answers": given["answers"][:9]}))
        assert "only answers" in refused(7)
        assert "only answers" in refused("x", do="delete")
        assert pq.read_table(folder / "answers.parquet").equals(table)
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=60)[1]
        assert process.returncode == 130
        assert f"serve={folder}" in said
        assert f"report={folder}" in said
        assert "Traceback" not in said
        assert str(folder / "answers.parquet") in said
    assert command("quiz", f"report={folder}").status == 0
    with served(folder) as (links, _):  # those who have answered need no link
        assert [link.split("rater=")[1] for link in links] == ["rater-2", "rater-3"]
    assert not (folder / ".lock").exists()


def test_a_link_that_is_opened_again_is_told_so_before_the_first_card(make: Make) -> None:
    folder = make()
    with served(folder) as (links, _):

        def begin(rater: Any, browser: Any, **more: Any) -> dict[str, Any]:
            return say(links[0], {"do": "begin", "rater": rater, "browser": browser} | more)

        new = {"name": "begun", "answered": False, "elsewhere": False}
        assert begin("rater-1", "a") == new
        assert begin("rater-1", "a") == new  # a reload
        assert begin("rater-1", "b") == new | {"elsewhere": True}
        assert begin("rater-2", "b") == new
        assert begin("rater-1", "b", here=True) == new
        assert begin("rater-1", "a") == new | {"elsewhere": True}
        say(links[0], {"do": "answers", "content": json.dumps(answer(folder, "rater-1", tell_tale))})
        assert begin("rater-1", "b") == new | {"answered": True}
        for rater, browser in (("", "a"), ("x" * 41, "a"), ([1], "a"), ("rater-2", "../x")):
            assert begin(rater, browser)["key"] == "other"


def test_both_languages_say_why_answers_are_refused() -> None:
    english, chinese = (json.loads((FOLDER / f"words.{one}.json").read_text(encoding="utf-8")) for one in WORDS)
    assert english.keys() == chinese.keys()
    text = (Path(gans.quiz.__file__).parent / "serving.py").read_text(encoding="utf-8")
    text += (Path(gans.lab.__file__).parent / "server.py").read_text(encoding="utf-8")
    keys = set(re.findall(r'"key": "(\w+)"|RefusedError\("(\w+)"', text)) | set(
        re.findall(r'fail\("(\w+)"()', (FOLDER / "deliver.js").read_text(encoding="utf-8"))
    )
    assert {f"refused_{one or other}" for one, other in keys} == {key for key in english if key.startswith("refused_")}


def test_a_new_quiz_is_served_unless_told_not_to(
    command: Any, finished: Any, files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    opened: list[str] = []
    monkeypatch.setattr("gans.quiz.serving.take_all", interrupt)
    monkeypatch.setattr("webbrowser.open", opened.append)
    said = command("quiz", f"run={finished.path}", "out=quiz", f"test={files}/unseen.parquet", "port=0", "raters=3")
    assert said.status == 130, said.err
    links = said.out.splitlines()
    assert [link.split("rater=")[1] for link in links] == ["rater-1", "rater-2", "rater-3"]
    assert opened == links[:1]
    assert (tmp_path / "quiz" / "quiz.html").is_file()


def test_the_longest_answers_fit_and_letters_cut_in_half_do_no_harm(make: Make) -> None:
    quiz = Quiz.open(make())
    quiz.facts["fields"] = [f"field_{number}" for number in range(14)]
    given = answer(quiz.folder, "x" * 40, lambda *_: "synthetic")
    given["words"] = [
        {"field": name, "words": '"' * 999 + "\ud83d"} for name in [*quiz.facts["fields"], "(picture)", ""]
    ]
    content = json.dumps(given)
    assert 2**16 < len(json.dumps({"do": "answers", "content": content})) < LARGEST
    take(quiz, {"do": "answers", "content": content})
    assert quiz.stored["words"].to_pylist()[-1] == '"' * 999 + "?"


def test_the_key_is_not_served_and_only_the_scripts_of_the_page_may_run(make: Make) -> None:
    folder = make()
    page, policy = served_page(folder)
    assert page.decode().replace("window.quizDeliver = ", "").count("<script>") == 2
    assert len(re.findall(r"'sha256-[\w+/]{43}='", policy)) == 2
    assert "unsafe-inline" not in policy.partition("script-src")[2]
    files = {"/": ("text/html; charset=utf-8", page)}
    with Server(files, 0, policy=policy) as server:
        for path, status in ((server.address.partition(str(server.port))[2], 200), ("/", 403), ("/items.parquet", 404)):
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            client.request("GET", path)
            reply = client.getresponse()
            content = reply.read()
            assert reply.status == status
            if status == 200:
                assert content == page
                assert reply.headers["Content-Security-Policy"] == policy
            client.close()
    data = json.loads(re.findall(r'id="data">(.*?)</script>', page.decode())[0])
    assert {tuple(item) for part in ("qualification", "main") for item in data[part]} == {("item", "cards")}


def test_the_control_and_pairs_tell_no_kinds(make: Make) -> None:
    for changed in ({"arm": "real"}, {"form": "pairs"}):
        quiz = Quiz.open(make("-".join(changed.values()), **changed))
        rater = take(quiz, {"do": "answers", "content": json.dumps(answer(quiz.folder, "anna", tell_tale))})
        assert own_result(rater, quiz) == {"all": [rater.wrong.total(), 50 if "form" in changed else 100]}


def test_another_host_is_warned_of_and_a_name_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    warned: list[str] = []
    monkeypatch.setattr("gans.quiz.serving.log.warning", lambda text, *values: warned.append(text % values))
    check_serving({"port": 0})
    assert warned == []
    check_serving({"port": 0, "host": "0.0.0.0"})
    assert "host=0.0.0.0: anyone on the network" in warned[0]
    with Server({"/": ("text/html", b"x")}, 0, "0.0.0.0") as server:
        path = server.address.partition(str(server.port))[2]
        assert "0.0.0.0" not in server.address
        for host, status in ((f"127.0.0.1:{server.port}", 200), ("10.0.0.1:80", 200), ("evil.example", 403), ("", 403)):
            client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
            client.putrequest("GET", path, skip_host=True)
            client.putheader("Host", host)
            client.endheaders()
            reply = client.getresponse()
            reply.read()
            client.close()
            assert reply.status == status, host


BAD = [
    (["serve=false", "run=x", "out=new", "raters=3"], "raters=3: with serve=false nothing is served"),
    (["serve=maybe", "run=x", "out=new"], "serve=maybe: allowed are true, false"),
    (["serve=maybe"], "serve=maybe: no such folder"),
    (["serve={quiz}", "raters=0"], "raters=0: it must be at least 1"),
    (["serve={quiz}", "port=70000"], "port=70000: it must be at least 0 and at most 65535"),
    (["serve={quiz}", "open=perhaps"], "open=perhaps: allowed are true, false"),
    (["serve={quiz}", "host=desk"], "host=desk: an IPv4 address of this machine is needed"),
    (["serve={quiz}", "host="], "host=: an IPv4 address of this machine is needed"),
    (["serve={quiz}", "host=192.0.2.1", "port=0"], "host=192.0.2.1: it is not an address of this machine"),
    (["serve={quiz}", "port={taken}"], "port={taken}: it cannot be listened on"),
    (["serve={quiz}", "seed=1"], "seed=1: serve=FOLDER takes port, host, raters, open and no other key"),
    (["serve={bare}", "port=0"], "it contains no quiz.html"),
    (["run={run}", "out=new", "test={files}/unseen.parquet", "port={taken}"], "port={taken}: it cannot be listened on"),
]


def test_mistakes_give_one_line_and_leave_nothing(
    make: Make, command: Any, finished: Any, files: Path, snapshot: Any, tmp_path: Path
) -> None:
    quiz = make()
    bare = shutil.copytree(quiz, tmp_path / "bare")
    (bare / "quiz.html").unlink()
    with socket.create_server(("127.0.0.1", 0)) as other:
        places = {"quiz": quiz, "bare": bare, "run": finished.path, "files": files, "taken": other.getsockname()[1]}
        before = snapshot(tmp_path)
        for arguments, message in BAD:
            said = command("quiz", *(argument.format(**places) for argument in arguments))
            assert said.status == 2, (arguments, said)
            assert message.format(**places) in said.err, (arguments, said.err)
            assert "Traceback" not in said.err
            assert snapshot(tmp_path) == before, arguments


@pytest.mark.slow
@pytest.mark.skipif(browser() is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [390, 1280])
def test_a_whole_quiz_in_a_browser(make: Make, command: Any, tmp_path: Path, width: int) -> None:
    folder = make()
    right = {item: rows[0]["right"] for item, rows in key_rows(folder).items()}
    with served(folder) as (links, _), Chromium(tmp_path / "chromium") as chromium:
        page = chromium.open(links[1], width)
        assert page.wait("document.getElementById('rater').value") == "rater-2"
        page.click("button.main")
        for _ in range(10):
            page.click("button.main")
        page.click("button.main")
        page.run(f"window.right = {json.dumps(right)}, window.place = Object.keys(localStorage)[0]")
        page.run(
            "(async () => { while (!document.querySelector('textarea')) {"
            "const state = JSON.parse(localStorage.getItem(place));"
            "if (document.querySelector('.choices')) {"
            "await new Promise((done) => setTimeout(done, 260));"
            "const real = right[state.orders[state.step][state.at]] === 'real';"
            "document.querySelectorAll('.choices button')[real ? 0 : 1].click();"
            "} else document.querySelector('button.main').click(); } })()"
        )
        page.run("document.querySelector('textarea').value = 'too <young>'")
        page.click("button.main")
        text = page.wait(
            "document.querySelector('[role=status]').textContent.includes('0 of 100') && document.body.innerText"
        )
        assert "You were wrong in 0 of 100 judgements (0%)" in text
        assert "On synthetic ones: 0 of 50" in text
        assert page.run("document.documentElement.scrollWidth") <= width
        page.run("document.querySelectorAll('#languages button')[1].click()")
        assert "100 个判断" in page.wait("document.body.innerText")
        page.run("localStorage.clear(), location.reload()")  # as if it was another browser
        page.wait("document.querySelector('h1')?.textContent === 'rater-2 has answered already'")
        assert page.run("document.querySelector('main button')") is None
        page.run("document.querySelectorAll('#languages button')[1].click()")
        assert page.run("document.querySelector('h1').textContent") == "rater-2 已作答"
        page.call("Page.navigate", {"url": links[0]})
        page.wait("document.querySelector('button.main') && document.getElementById('rater')?.value === 'rater-1'")
        page.run("localStorage.clear(), location.reload()")
        page.wait("document.querySelector('h1')?.textContent === 'rater-1 is being answered in another browser'")
        page.click("button.main")
        page.wait("document.getElementById('rater')?.value === 'rater-1'")
        assert page.errors == []
        page.close()
    table = pq.read_table(folder / "answers.parquet")
    assert set(table["rater"].to_pylist()) == {"rater-2"}
    assert table["words"].to_pylist()[-1] == "too <young>"
    assert command("quiz", f"report={folder}").status == 0
    found = json.loads((folder / "report.json").read_text(encoding="utf-8"))["groups"][0]
    assert found["score"]["error"]["value"] == 0
