"""The page in a real browser: everything that GAN Lab has, and what it has not."""

import contextlib
import gzip
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gans.config.compose import compose
from gans.lab.page import page_files
from gans.lab.setting import keys
from gans.runs.execute import execute
from tests.lab.chromium import Chromium, Page, browser

pytestmark = [pytest.mark.slow, pytest.mark.skipif(browser() is None, reason="there is no Chromium here")]

ROOT = Path(__file__).parents[2]
STEP = "Number(document.querySelector('.side').dataset.step)"
IDLE = "!document.body.classList.contains('compiling') && document.querySelector('.side').dataset.step"


@contextlib.contextmanager
def served(*arguments: str) -> Iterator[str]:
    """The address of a lab."""
    command = [sys.executable, "-m", "gans.lab", "port=0", "open=false", *arguments]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.terminate()
        status = process.wait(30)
        process.stdout.close()
    assert status == 130


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with served() as one:
        yield one


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with Chromium(tmp_path_factory.mktemp("chromium")) as one:
        yield one


@pytest.fixture
def page(chromium: Chromium, address: str) -> Iterator[Page]:
    one = chromium.open(address)
    one.wait(IDLE, 120)
    one.run("localStorage.clear()")
    set_to(one, {})
    one.click("#reset")
    one.wait(f"{STEP} === 0")
    yield one
    assert one.errors == []
    one.close()


def set_to(page: Page, setting: dict[str, Any]) -> None:
    """Say a setting as the page does, and wait until it is there."""
    usual = page.run("lab.usual()")
    page.run("lab.say({ do: 'pause' }), lab.say({ do: 'compare', on: false })")
    page.run(f"lab.say({{ do: 'set', side: 0, setting: {json.dumps(usual | setting)} }})")
    page.wait(f"JSON.stringify(lab.controls().settings) === JSON.stringify([{json.dumps(usual | setting)}])")
    page.wait(IDLE, 120)


def test_play_moves_and_pause_holds(page: Page) -> None:
    page.press(" ")
    page.wait(f"{STEP} > 200")
    page.click("#play")
    page.wait("!lab.controls().playing")
    held = page.wait(STEP)
    page.run("new Promise((done) => setTimeout(done, 700))")
    assert page.run(STEP) == held
    page.click("#reset")
    page.wait(f"{STEP} === 0")


def test_a_step_of_one_network_is_seen_in_that_one_only(page: Page) -> None:
    page.click("#step-both")
    page.wait(f"{STEP} === 1")
    surface, points = page.run("[lab.seen(0).surface.join(), lab.seen(0).points.join()]")
    page.press("d")
    page.wait(f"{STEP} === 2")
    assert page.run("lab.seen(0).points.join()") == points
    assert page.run("lab.seen(0).surface.join()") != surface
    surface = page.run("lab.seen(0).surface.join()")
    page.click("#step-generator")
    page.wait(f"{STEP} === 3")
    assert page.run("lab.seen(0).points.join()") != points
    assert page.run("lab.seen(0).surface.join()") == surface


def test_steps_ahead_are_trained_without_being_shown(page: Page) -> None:
    drawn = page.run("lab.frames()")
    page.run("lab.say({ do: 'ahead', steps: 3000 })")
    page.wait("lab.controls().ahead > 0 && !document.getElementById('ahead-done').hidden")
    assert page.run(STEP) == 0
    page.wait(f"{STEP} === 3000 && document.getElementById('ahead-done').hidden")
    assert page.run("lab.controls().playing") is False
    page.wait(f"lab.frames() > {drawn}")
    page.press("a")
    page.wait("lab.controls().ahead > 0")
    page.click("#play")  # which pauses
    page.wait(f"lab.controls().ahead === null && 3000 < {STEP} && {STEP} < 8000")


def test_slow_motion_goes_through_a_step(page: Page) -> None:
    page.click("#slow")
    lit = {page.wait("document.querySelector('.lit')?.id")}
    page.wait(f"{STEP} === 2", 40)  # the discriminator, then the generator
    lit.add(page.run("document.querySelector('.lit').id"))
    assert len(lit) == 2
    assert page.run("document.getElementById('phase').textContent")
    page.click("#slow")
    assert page.run("document.querySelector('.lit')") is None


def test_rates_change_while_it_runs_and_a_structure_compiles(page: Page) -> None:
    page.click("#play")
    page.wait(f"{STEP} > 100")
    page.choose("[id='key-optimizer.learning_rate']", "0.01")
    page.wait("lab.controls().settings[0]['optimizer.learning_rate'] === 0.01")
    assert page.run(STEP) > 100
    look = "lab.compiled ||= document.body.className.includes('compiling')"
    page.run(f"new MutationObserver(() => {look}).observe(document.body, {{ attributes: true }})")
    page.choose("[id='key-network.generator_widths']", "8, 8, 8")
    page.wait("lab.controls().settings[0]['network.generator_widths'].length === 3 && lab.compiled")
    page.wait(IDLE, 120)
    assert "network.generator_widths=[8,8,8]" in page.run("document.getElementById('command').textContent")


@pytest.mark.parametrize("objective", vars(keys()["objective"])["words"])
def test_every_objective_trains(page: Page, objective: str) -> None:
    page.choose("#key-objective", objective)
    page.wait(f"lab.controls().settings[0].objective === '{objective}'")
    page.wait(IDLE, 120)
    page.click("#play")
    page.wait(f"{STEP} > 200", 120)
    assert page.run("document.getElementById('refused').hidden")


@pytest.mark.parametrize("data", ["grid", "line", "disjoint", "moons"])
def test_every_toy_is_learned(page: Page, data: str) -> None:
    page.choose("#key-data", data)
    page.wait(f"lab.controls().settings[0].data === '{data}'")
    page.wait(IDLE, 120)
    before = page.wait("lab.seen(0).js")
    page.click("#play")
    page.wait(f"lab.seen(0).js < {0.9 * before}", 120)


def test_a_drawing_is_learned(page: Page) -> None:
    page.choose("#key-data", "drawing")
    page.wait("!document.getElementById('refused').hidden")  # draw something first
    page.run("lab.say({ do: 'average', on: true })")
    page.wait("lab.controls().average")
    assert page.run("document.getElementById('pad').hidden") is False
    assert page.run("document.getElementById('key-data').value") == "drawing"
    page.run("lab.say({ do: 'average', on: false })")
    page.run("document.getElementById('drawing').scrollIntoView({ block: 'center' })")
    box = page.run(
        "(() => { const box = document.getElementById('drawing').getBoundingClientRect();"
        "return [box.left, box.top, box.width]; })()"
    )
    page.drag([(box[0] + share * box[2], box[1] + share * box[2]) for share in (0.1, 0.2, 0.3, 0.35)])
    context = "document.getElementById('drawing').getContext('2d')"
    assert page.run(f"{context}.getImageData(0.15 * 64, 0.15 * 64, 1, 1).data[3]") > 0  # between two places
    page.click("#draw-use")
    page.wait("lab.controls().settings[0].data === 'drawing'")
    page.wait(IDLE, 120)
    before = page.wait("lab.seen(0).js")
    page.click("#play")
    page.wait(f"lab.seen(0).js < {0.9 * before}", 120)
    link = page.run("location.hash")
    assert "data=drawing" in link
    assert "drawing=" in link


def test_two_variants_side_by_side_begin_alike(page: Page) -> None:
    page.click("#compare")
    page.wait("document.querySelectorAll('.side').length === 2 && lab.seen(1)")
    page.wait(IDLE, 120)
    assert page.run("lab.seen(0).points.join() === lab.seen(1).points.join()")
    page.run("document.querySelectorAll('.edit')[1].click()")
    page.choose("#key-objective", "hinge")
    page.wait("lab.controls().settings[1].objective === 'hinge'")
    page.wait(IDLE, 120)
    assert page.run("lab.controls().settings[0].objective") == "non_saturating"
    assert page.run("lab.seen(0).step") == page.run("lab.seen(1).step") == 0
    assert page.run("lab.seen(0).points.join() === lab.seen(1).points.join()")
    page.click("#step-both")
    page.wait("lab.seen(0).step === 1 && lab.seen(1).step === 1")
    assert page.run("lab.seen(0).surface.join() !== lab.seen(1).surface.join()")
    assert page.run("location.hash") == "#compare=true&b.objective=hinge"


def test_a_link_holds_the_setting(chromium: Chromium, address: str, page: Page) -> None:
    other = chromium.open(
        f"{address}#objective=least_squares&network.discriminator_widths=16,8&penalty=r1&penalty.r1.gamma=2&trainer.generator_steps=2"
    )
    other.wait("lab.controls()?.settings[0].objective === 'least_squares'", 120)
    other.wait(IDLE, 120)
    setting = other.run("lab.controls().settings[0]")
    assert setting["network.discriminator_widths"] == [16, 8]
    assert (setting["penalty"], setting["penalty.r1.gamma"]) == (["r1"], 2)
    assert other.run("document.querySelector(\"[id='key-trainer.generator_steps']\").value") == "2"
    assert "trainer.generator_steps=2" in other.run("document.getElementById('command').textContent")
    assert other.errors == []
    other.close()


def test_the_own_address_again_and_one_that_is_pasted_later(chromium: Chromium, address: str, page: Page) -> None:
    set_to(page, {"objective": "hinge"})
    page.click("#step-both")
    page.wait(f"{STEP} === 1")
    link = page.wait("location.hash")
    other = chromium.open(f"{address}{link}")
    other.wait(f"{STEP} === 1")  # it does not begin again
    assert other.wait("document.querySelector('.edit').textContent") == "hinge"
    assert other.run("document.querySelector(\"[id='key-network.latent']\").value") == "2"
    assert other.run("document.getElementById('command').textContent").startswith("python -m gans.train")
    other.run("location.hash = '#objective=minimax'")
    page.wait("lab.controls().settings[0].objective === 'minimax'")
    assert other.errors == []
    other.close()


@pytest.mark.parametrize("link", ["objective=%E0%A4%A", "data=drawing&drawing=!", "constructor=1", "seed=1e400"])
def test_a_damaged_link_leaves_a_page_that_works(chromium: Chromium, address: str, page: Page, link: str) -> None:
    other = chromium.open(f"{address}#{link}")
    other.wait("lab.seen(0) && document.querySelector('.edit').textContent")
    other.click("#step-both")
    page.wait(f"{STEP} === 1")
    assert other.errors == []
    other.close()


def test_what_is_refused_is_said_and_the_page_goes_on(page: Page) -> None:
    page.choose("[id='key-network.latent']", "1000")
    assert "network.latent=1000" in page.wait("document.getElementById('refused').textContent")
    assert page.run("document.querySelector(\"[id='key-network.latent']\").value") == "2"
    page.click("#step-both")
    page.wait(f"{STEP} === 1")


def test_two_tabs_see_the_same_and_one_that_comes_back_goes_on(chromium: Chromium, address: str, page: Page) -> None:
    other = chromium.open(address)
    other.wait("lab.seen(0)")
    page.click("#step-both")
    for one in (page, other):
        one.wait(f"{STEP} === 1")
    assert page.run("lab.seen(0).points.join()") == other.run("lab.seen(0).points.join()")
    page.run("lab.drop()")
    page.wait("document.body.classList.contains('lost')")
    page.wait("!document.body.classList.contains('lost')")
    other.click("#step-both")
    page.wait(f"{STEP} === 2")
    other.close()
    page.click("#step-both")
    page.wait(f"{STEP} === 3")


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_window_and_dark_is_dark(
    chromium: Chromium, address: str, width: int, dark: bool
) -> None:
    other = chromium.open(address, width, 844, prefers_color_scheme="dark" if dark else "light")
    other.wait("lab.seen(0)")
    assert other.run("document.documentElement.scrollWidth") <= width
    red = int(other.run("getComputedStyle(document.body).backgroundColor").split("(")[1].split(",")[0])
    assert (red < 60) == dark
    assert other.errors == []
    other.close()


def test_chinese(page: Page) -> None:
    page.click("#language")
    page.wait("document.querySelector('h1').textContent.includes('实验室')")
    texts = page.run("[...document.querySelectorAll('[data-word]')].map((one) => one.textContent)")
    english = json.loads(page_files()["/words.en.json"][1])
    assert not {text for text in texts if text in english.values()} - {"English"}
    page.choose("[id='key-network.latent']", "1000")
    refused = "document.getElementById('refused').textContent"
    assert page.wait(refused) == "network.latent=1000：须为 1 到 64 之间的整数。"
    page.click("#language")
    page.wait("document.documentElement.lang === 'en'")
    assert page.wait(refused) == "network.latent=1000: a whole number from 1 to 64 is needed."


def test_a_gif_and_a_png_are_pictures(page: Page, tmp_path: Path) -> None:
    from PIL import Image

    page.call("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    page.click("#save-png")
    page.click("#save-gif")
    page.wait("document.getElementById('save-gif').disabled")
    page.wait("!document.getElementById('save-gif').disabled")
    for _ in range(50):
        if (tmp_path / "lab.gif").exists() and (tmp_path / "lab.png").exists():
            break
        page.run("new Promise((done) => setTimeout(done, 100))")
    with Image.open(tmp_path / "lab.gif") as moving, Image.open(tmp_path / "lab.png") as still:
        assert moving.n_frames == 40  # pyright: ignore[reportAttributeAccessIssue]
        moving.seek(39)
        first, second = (one.convert("RGB").resize((36, 36)) for one in (moving, still))
        apart = [abs(a - b) for a, b in zip(first.tobytes(), second.tobytes(), strict=True)]
        assert sum(apart) / len(apart) < 30


def test_a_run_is_replayed(chromium: Chromium, tmp_path: Path) -> None:
    overrides = ["+experiment=ctgan", "data=households", "data.limit=1500", "tracker.mode=disabled"]
    overrides += ["trainer.steps=6", "trainer.block=2", "trainer.batch_size=50", "trainer.snapshots=3"]
    folder = tmp_path / "run"
    execute(compose([*overrides, "trainer.evaluate_rows=200", f"run_dir={folder}"]), show=False)
    with served(f"run={folder}") as address:
        page = chromium.open(address, 390, 844)
        page.wait(
            "document.getElementById('replay').dataset.step === '6' && document.querySelectorAll('#course svg').length"
        )
        assert page.run("document.documentElement.scrollWidth") <= 390
        assert page.run("document.querySelectorAll('#pairs svg').length") == 0  # nobody sees them yet
        page.run("document.getElementById('pairs').scrollIntoView()")
        names = page.wait("document.querySelector('#pairs svg .name') && document.getElementById('pairs').textContent")
        assert "→" in names
        assert "↑" in names
        page.run("document.getElementById('columns').scrollIntoView()")
        last = page.wait("document.querySelector('#columns svg') && document.getElementById('columns').innerHTML")
        page.run("document.getElementById('replay-step').value = 0")
        page.run("document.getElementById('replay-step').dispatchEvent(new Event('input'))")
        page.wait("document.getElementById('replay').dataset.step === '0'")
        page.wait(f"document.getElementById('columns').innerHTML !== {json.dumps(last)}")
        page.click("#replay-play")
        page.wait("document.getElementById('replay').dataset.step === '6'")
        page.run("document.getElementById('walk').scrollIntoView()")
        card = page.wait("document.getElementById('walk').textContent")
        page.wait(f"document.getElementById('walk').textContent !== {json.dumps(card)}")
        page.run("lab.say({ do: 'sample' })")
        page.wait("!document.getElementById('refused').hidden")
        page.run("document.getElementById('conditions').scrollIntoView()")
        page.choose("#conditions select", "yes")
        assert page.run("document.getElementById('refused').hidden")
        page.run("document.getElementById('asked').scrollIntoView()")
        page.wait("document.querySelectorAll('#asked td').length > 5")
        assert "yes" in page.run("document.getElementById('asked').textContent")
        page.run("document.getElementById('columns').scrollIntoView()")
        page.wait("document.querySelectorAll('#columns .asked').length")
        last = page.run("document.getElementById('replay-step').max")
        (folder / "snapshots" / "00000000.json.gz").write_bytes(b"x")
        page.run("location.reload()")
        page.wait(f"document.getElementById('replay-step').max === '{int(last) - 1}'")
        page.wait("document.getElementById('replay').dataset.step === '6'")
        refused = "document.getElementById('refused').textContent"
        assert "00000000.json.gz" in page.run(refused)
        page.click("#language")
        page.wait("document.querySelector('#replay h2').textContent === '哪些列露了馅'")
        assert "00000000.json.gz：该快照已损坏" in page.run(refused)
        folder.rename(tmp_path / "elsewhere")
        page.wait(f"{refused}.startsWith('运行目录 run 已不存在')")
        repeat_snapshots(tmp_path / "elsewhere" / "snapshots", 400)
        (tmp_path / "elsewhere").rename(folder)
        page.wait("document.getElementById('refused').hidden")
        page.wait("lab.snapshots() === 400 && document.getElementById('replay-step').max === '399'")
        assert page.run("document.getElementById('refused').hidden")
        assert page.errors == []
        page.run("localStorage.clear()")
        page.close()


def repeat_snapshots(folder: Path, count: int) -> None:
    """The last snapshot in a folder, as if it was of each of so many steps."""
    paths = sorted(folder.glob("0*"))
    last = json.loads(gzip.decompress(paths[-1].read_bytes()))
    for path in paths:
        path.unlink()
    for step in range(1, count + 1):
        (folder / f"{step:08d}.json.gz").write_bytes(gzip.compress(json.dumps(last | {"step": step}).encode()))


def test_words_of_both_languages_are_complete() -> None:
    english, chinese = (json.loads(page_files()[f"/words.{one}.json"][1]) for one in ("en", "zh"))
    assert english.keys() == chinese.keys()
