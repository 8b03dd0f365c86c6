"""The files of the page: plain HTML, CSS and JavaScript modules, and the words of each language."""

from importlib.resources import files

TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "json": "application/json"}


def page_files() -> dict[str, tuple[str, bytes]]:
    """By path, as "/" or "/toy.js", type and content."""
    out = {}
    for file in files("gans.lab.page").iterdir():
        kind = TYPES.get(file.name.rpartition(".")[2])
        if kind:
            out["/" if file.name == "index.html" else f"/{file.name}"] = (f"{kind}; charset=utf-8", file.read_bytes())
    return out
