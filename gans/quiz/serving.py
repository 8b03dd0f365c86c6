"""A quiz served live: a link for each rater, answers that are kept as they come, and each rater's own result.

A page asks before it begins, so that a link which is opened a second time says so at once, not after a hundred cards.
"""

import base64
import hashlib
import ipaddress
import logging
import queue
import re
import webbrowser
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gans.artefacts import read_text
from gans.errors import UserError, in_range, one_line, one_of
from gans.files import write_table
from gans.lab.server import BROWSERS, EVERY, LOCAL, POLICY, Server
from gans.locks import locked
from gans.quiz.answers import PSEUDONYM, STORED, AnsweredError, Quiz, added, checked
from gans.quiz.items import REAL, SYNTHETIC
from gans.quiz.page import FOLDER, PAGE
from gans.quiz.statistics import Rater, raters_of

LARGEST = 2**18  # bytes of a message: 16 times 1000 letters of free words, each escaped twice, are half of that
PORT = 8766
USUAL = {"port": PORT, "host": LOCAL, "raters": 1, "open": "true"}
NAME = "the answers"  # in refusals
MOST_BEGUN = 10_000  # raters of whom it is known where they answer

log = logging.getLogger("gans")


def check_serving(given: Mapping[str, Any]) -> dict[str, Any]:
    """port, host, raters and open, where the port can be listened on now.

    Raises:
        UserError: one of them will not do, or websockets is not installed.
    """
    out = {key: given.get(key, value) for key, value in USUAL.items()}
    in_range("port", out["port"], 0, 65_535)
    in_range("raters", out["raters"], 1, BROWSERS)
    one_of("open", out["open"], ("true", "false"))
    try:
        address = ipaddress.IPv4Address(out["host"])
    except ValueError:
        needed = f"an IPv4 address of this machine is needed, such as {LOCAL}, or {EVERY} for all."
        raise UserError(f"host={out['host']}: {needed}") from None
    with Server({}, out["port"], out["host"]):
        pass
    if not address.is_loopback:
        log.warning(
            "host=%s: anyone on the network who has a link can see rows of the table, of real people, too; and nothing "
            "that is sent is encrypted",
            out["host"],
        )
    return out


def serve(quiz: Quiz, given: Mapping[str, Any]) -> None:
    """Print the links, and take answers until the process is interrupted.

    Args:
        given: port, host, raters and open, as `check_serving` returns them.

    Raises:
        UserError: the folder has no page, or the port is taken.
        KeyboardInterrupt: how it ends.
    """
    page, policy = served_page(quiz.folder)
    files = {"/": ("text/html; charset=utf-8", page)}
    with Server(files, given["port"], given["host"], policy=policy, largest=LARGEST) as server:
        addresses = [f"{server.address}&rater={name}" for name in _free_names(quiz, given["raters"])]
        print(*addresses, sep="\n", flush=True)
        log.info("one link for each rater; Ctrl-C ends it")
        if given["open"] == "true":
            webbrowser.open(addresses[0])
        try:
            take_all(server, quiz)
        except KeyboardInterrupt:
            log.info("answers are kept in %s", quiz.folder / STORED)
            log.info("to resume: gans quiz serve=%s", quiz.folder)
            log.info("to report: gans quiz report=%s", quiz.folder)
            raise


def served_page(folder: Path) -> tuple[bytes, str]:
    """quiz.html with the script that delivers, and the policy that lets these scripts run and no others.

    Raises:
        UserError: there is none.
    """
    path = folder / PAGE
    if not path.is_file():
        raise UserError(f"serve={folder}: it contains no {PAGE}.")
    deliver = (FOLDER / "deliver.js").read_text(encoding="utf-8")
    mark = "<script>"  # of the page's own one; texts of the table hold no <
    page = read_text(path).replace(mark, f"{mark}\n{deliver}</script>\n{mark}", 1)
    scripts = re.findall(f"{mark}(.*?)</script>", page, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    allowed = " ".join(f"'sha256-{digest}'" for digest in digests)
    return page.encode(), f"{POLICY}; script-src {allowed}"


def _free_names(quiz: Quiz, count: int) -> list[str]:
    """Pseudonyms under which nobody has answered."""
    taken = quiz.raters
    every = (f"rater-{number}" for number in range(1, len(taken) + count + 1))
    return [name for name in every if name not in taken][:count]


def take_all(server: Server, quiz: Quiz) -> None:
    """Take answers as they come, and tell each rater their own result or why the answers are refused."""
    places: dict[str, str] = {}
    while True:
        try:
            browser, said = server.said.get(timeout=0.5)
        except queue.Empty:
            continue
        try:
            if said["do"] == "begin":
                server.tell(browser, "begun", begin(quiz, said, places))
            else:
                server.tell(browser, "taken", {"result": own_result(take(quiz, said), quiz)})
        except (UserError, OSError) as error:
            log.warning("not taken: %s", one_line(error))
            server.tell(browser, "refused", refusal(error))


def begin(quiz: Quiz, said: Mapping[str, Any], places: dict[str, str]) -> dict[str, bool]:
    """Whether a rater has answered already, or answers in another browser.

    Args:
        said: rater; browser, a name by which a browser knows itself; here, true to go on in this one.
        places: by rater the browser, which is added.

    Raises:
        UserError: that is none, or answers.parquet is damaged.
    """
    rater, browser = (str(said.get(name, "")) for name in ("rater", "browser"))
    for name, value in (("rater", rater), ("browser", browser)):
        if not PSEUDONYM.fullmatch(value):
            raise UserError(f"{NAME}: {name}={value[:40]!r}: 1 to 40 letters, digits, - or _ are needed.")
    if said.get("here") is True or (rater not in places and len(places) < MOST_BEGUN):
        places[rater] = browser
    return {"answered": rater in quiz.raters, "elsewhere": places.get(rater, browser) != browser}


def refusal(error: UserError | OSError) -> dict[str, Any]:
    """What a page is told, by a key of its words; what is wrong with the folder is told to its owner only."""
    if isinstance(error, AnsweredError):
        return {"key": "answered", "values": {}}
    if str(error).startswith(f"{NAME}:"):
        return {"key": "other", "values": {"message": one_line(error)}}
    return {"key": "not_stored", "values": {}}


def take(quiz: Quiz, said: Mapping[str, Any]) -> Rater:
    """Check the answers of a rater and add them to answers.parquet; what they are by counts.

    Args:
        said: what a page says: do is answers, content their JSON.

    Raises:
        UserError: they are not whole, the rater has answered before, otherwise, or the folder is being written.
        OSError: the file cannot be written.
    """
    content = said.get("content")
    if said["do"] != "answers" or not isinstance(content, str):
        raise UserError(f"{NAME}: only answers are taken here.")
    new = checked(content.encode("utf-8", "replace"), NAME, quiz)
    with locked(quiz.folder, "serve"):
        before = quiz.stored
        table = added(before, new, NAME)
        if table.num_rows > before.num_rows:
            write_table(quiz.folder / STORED, table)
    rater = raters_of(new)[0]
    log.info("%s has answered; raters so far: %d", rater.name, len(set(table["rater"].to_pylist())))
    return rater


def own_result(rater: Rater, quiz: Quiz) -> dict[str, list[int]]:
    """Wrong judgements and all of the main part, for the end of the page; by kind only where there are two."""
    out = {"all": [rater.wrong.total(), rater.judged.total()]}
    if quiz.form == "cards" and quiz.facts["arm"] == SYNTHETIC:
        out |= {kind: [rater.wrong[kind], rater.judged[kind]] for kind in (REAL, SYNTHETIC)}
    return out
