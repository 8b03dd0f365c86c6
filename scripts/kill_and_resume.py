"""Show that a run that is killed and resumed ends with the same parameters, to the bit, as one left alone.

    python scripts/kill_and_resume.py [kills=10] [seed=0] [experiment=cgan] [steps=4000] [folder=FOLDER]

Trains once undisturbed, then again with SIGKILL at random steps and starts; compares the last checkpoints by content.
"""

import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gans.tracking.jsonl import read_lines
from gans.training.checkpoints import Checkpoints, digest

settings = dict(argument.split("=", 1) for argument in sys.argv[1:])


def command(run_dir: Path) -> list[str]:
    """The run; resumed where its config is there already."""
    steps = settings.get("steps", "4000")
    resume = "true" if (run_dir / "config.yaml").exists() else "false"
    return [
        *(sys.executable, "-m", "gans.train", f"+experiment={settings.get('experiment', 'cgan')}"),
        *(f"run_dir={run_dir}", f"trainer.resume={resume}", f"trainer.steps={steps}", "tracker.mode=disabled"),
        *("trainer.block=20", "trainer.evaluate_every=200", "trainer.checkpoint_every=100"),
    ]


def last(run_dir: Path) -> tuple[int, str, int]:
    """Step and digest of the last checkpoint, and the number of lines of metrics.jsonl."""
    checkpoints = Checkpoints(run_dir / "checkpoints")
    found = checkpoints.latest()
    checkpoints.close()
    if found is None:
        raise SystemExit(f"{run_dir}: no checkpoint")
    return found[0], digest(found[1]), len(read_lines(run_dir / "metrics.jsonl"))


def step_of(run_dir: Path) -> int:
    """The last step that metrics.jsonl tells of; 0 before there is one."""
    lines = read_lines(run_dir / "metrics.jsonl")
    return lines[-1]["step"] if lines else 0


def started(run_dir: Path) -> subprocess.Popen:
    """The run in a process of its own."""
    return subprocess.Popen(command(run_dir), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def wait_for(process: subprocess.Popen, run_dir: Path, step: int) -> None:
    """Until the run is beyond a step, or has ended."""
    while process.poll() is None and step_of(run_dir) <= step:
        time.sleep(0.01)


def main() -> int:
    """Run, kill, resume, compare."""
    folder = Path(settings.get("folder") or tempfile.mkdtemp(prefix="gans-kill-"))
    folder.mkdir(parents=True, exist_ok=True)
    draw = random.Random(int(settings.get("seed", "0")))
    alone, killed = folder / "alone", folder / "killed"
    steps, kills = int(settings.get("steps", "4000")), int(settings.get("kills", "10"))
    began = time.monotonic()
    process = started(alone)
    wait_for(process, alone, 0)
    start = time.monotonic() - began
    if process.wait() != 0:
        raise SystemExit(f"the undisturbed run ended with status {process.returncode}")
    whole = time.monotonic() - began
    print(f"undisturbed: {whole:.0f} s, {start:.0f} s of them before its first step")
    # Each kill has a stretch of the steps of its own, however fast the machine is: by the clock alone, a run that
    # others slow down for a while is over before the last kill. Every third falls into the start of a run.
    for kill in range(kills):
        process = started(killed)
        if kill % 3:
            wait_for(process, killed, int(steps * (kill + draw.random()) / (kills + 1)))
            moment = draw.uniform(0, 50 * (whole - start) / steps)  # between two blocks, in one, while it is written
        else:
            moment = draw.uniform(0, start)
        try:
            process.wait(moment)
            print(f"ended by itself with status {process.returncode} before kill {kill + 1}: take more steps")
            return 1
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        print(f"kill {kill + 1} at step {step_of(killed)}")
        if killed.exists() and not (killed / "config.yaml").exists():
            shutil.rmtree(killed)
    subprocess.run(command(killed), check=True, capture_output=True)
    left, right = last(alone), last(killed)
    print(f"undisturbed: step {left[0]}, sha256 {left[1]}, {left[2]} lines of metrics")
    print(f"killed {kills} times: step {right[0]}, sha256 {right[1]}, {right[2]} lines of metrics")
    same = left == right
    print("the same to the bit" if same else "DIFFERENT")
    return int(not same)


if __name__ == "__main__":
    sys.exit(main())
