"""metrics.jsonl survives kills."""

from gans.tracking.jsonl import JsonLines, read_lines


def test_lines_come_back_and_a_resumed_run_drops_those_beyond_its_step(tmp_path):
    lines = JsonLines(tmp_path / "metrics.jsonl")
    lines.rewind(0)
    for step in (10, 20, 30):
        lines.log({"loss": step / 2}, step)
    lines.close()
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 40, "lo')
    lines.rewind(20)
    lines.log({"loss": 1.0}, 25)
    lines.close()
    assert read_lines(tmp_path / "metrics.jsonl") == [
        {"step": 10, "loss": 5.0},
        {"step": 20, "loss": 10.0},
        {"step": 25, "loss": 1.0},
    ]


def test_a_new_run_starts_empty(tmp_path):
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n')
    lines = JsonLines(tmp_path / "metrics.jsonl")
    lines.rewind(0)
    lines.close()
    assert read_lines(tmp_path / "metrics.jsonl") == []
