"""The floors of the house: a room imports rooms below it only, and no files import each other in a circle.

Every import counts, those inside functions and those for types alone among them.
"""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import gans

ROOT = Path(gans.__file__).parent
FLOORS = (  # from the top; rooms of one floor do not import each other
    {"__main__"},
    {
        "train",
        "sample",
        "evaluate",
        "compare",
        "tune",
        "use",
        "personas",
        "augment",
        "events",
        "profiles",
        "simulate",
        "domain",
        "federate",
        "quiz",
        "list",
        "completion",
    },
    {"lab"},
    {"__init__"},
    {"synthesizer"},
    {"notebook"},
    {"cli"},
    {"compat"},
    {"sweeps"},
    {"decisions"},
    {"comparison"},
    {"federated"},
    {"report"},
    {"findings"},
    {"histories"},
    {"runs"},
    {"config"},
    {"sampling"},
    {"evaluation"},
    {"training"},
    {"refinement"},
    {"conditions"},
    {"networks", "objectives", "penalties", "terms", "optimizers"},
    {"data"},
    {"tracking", "privacy"},
    {"streams", "registry", "artefacts", "locks"},
    {"files"},
    {"memory", "trees"},
    {"words"},
    {"errors"},
)
LEVEL = {room: level for level, rooms in enumerate(FLOORS) for room in rooms}


def modules() -> dict[str, Path]:
    return {
        ".".join(("gans", *path.relative_to(ROOT).with_suffix("").parts)).removesuffix(".__init__"): path
        for path in ROOT.rglob("*.py")
    }


def imports(name: str, path: Path, known: set[str]) -> set[str]:
    """The modules of the package that a file imports, wherever in the file."""
    out = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}: a relative import"
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            out |= {one if one in known else str(node.module) for one in named}
        elif isinstance(node, ast.Import):
            out |= {alias.name for alias in node.names}
    return {one for one in out if one in known and one != name}


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


def graph() -> dict[str, set[str]]:
    paths = modules()
    return {name: imports(name, path, set(paths)) for name, path in paths.items()}


def upward(edges: dict[str, set[str]]) -> list[str]:
    """Imports that do not go down."""
    return [
        f"{name} imports {other}"
        for name, others in sorted(edges.items())
        for other in sorted(others)
        if room(name) != room(other) and LEVEL[room(name)] >= LEVEL[room(other)]
    ]


def test_every_room_has_a_floor() -> None:
    assert {room(name) for name in modules()} == set(LEVEL)


def test_rooms_import_rooms_below_them_only() -> None:
    assert upward(graph()) == []


def test_no_files_import_each_other_in_a_circle() -> None:
    try:
        TopologicalSorter(graph()).prepare()
    except CycleError as error:
        raise AssertionError(" -> ".join(error.args[1])) from None


def test_a_new_upward_import_and_a_circle_are_seen(tmp_path: Path) -> None:
    path = tmp_path / "step.py"
    path.write_text("def late():\n    from gans.runs.saved import SavedRun\n    return SavedRun\n")
    edges = {"gans.training.step": imports("gans.training.step", path, set(modules()))}
    assert upward(edges) == ["gans.training.step imports gans.runs.saved"]
    circle = {"a": {"b"}, "b": {"a"}}
    try:
        TopologicalSorter(circle).prepare()
    except CycleError:
        return
    raise AssertionError("the circle was not seen")


def test_the_names_of_the_files_of_a_run_stand_in_one_module() -> None:
    for name in ("config.yaml", "schema.json", "summary.json", "checkpoints"):
        found = [module for module, path in modules().items() if f'"{name}"' in path.read_text(encoding="utf-8")]
        assert found == ["gans.runs.files"], name
