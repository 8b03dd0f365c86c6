"""What components say of themselves, read from their source: nothing is imported, JAX least of all.

Keys with their types, defaults and lines of explanation are what help, completion and the first look at overrides
need. An outline of a dataclass has its fields and no methods; a test compares each with the class itself.
"""

import ast
import builtins
import dataclasses
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = Path(__file__).parent.parent
STANDARD = ("dataclasses", "pathlib", "typing")  # whose names may stand in a field
ITEM = re.compile(r"^    (\w+): ")


@cache
def components(rooms: tuple[str, ...]) -> dict[str, dict[str, type]]:
    """Outlines of what is registered in these rooms, by group and name."""
    out: dict[str, dict[str, type]] = {}
    for room in rooms:
        for path in sorted((PACKAGE / room.replace(".", "/")).glob("*.py")):
            if "@register(" not in path.read_text(encoding="utf-8"):
                continue
            module = f"gans.{room}.{path.stem}"
            for name, node in _definitions(module).items():
                if isinstance(node, ast.ClassDef) and (place := _registered(node)):
                    out.setdefault(place[0], {})[place[1]] = outline(module, name)
    return out


@cache
def outline(module: str, name: str) -> type:
    """A dataclass with the fields of a dataclass of the package, inherited ones included."""
    node = _definitions(module)[name]
    assert isinstance(node, ast.ClassDef), f"{module}.{name} is no class"
    bases: tuple[Any, ...] = tuple(filter(dataclasses.is_dataclass, (_looked_up(module, base) for base in node.bases)))
    fields = []
    for line in node.body:
        if not isinstance(line, ast.AnnAssign) or "ClassVar" in ast.unparse(line.annotation):
            continue
        kind = _evaluated(module, line.annotation)
        default = [] if line.value is None else [_evaluated(module, line.value)]
        fields.append((ast.unparse(line.target), kind, *default))
    namespace = {"__doc__": ast.get_docstring(node), "__module__": module}
    return dataclasses.make_dataclass(name, fields, bases=bases, namespace=namespace, kw_only=True)


def explanations(kind: type) -> dict[str, str]:
    """By field of a dataclass the line about it under "Attributes:" in its docstring, or in that of a base."""
    out: dict[str, str] = {}
    for one in reversed(kind.__mro__):
        text = inspect.cleandoc(vars(one).get("__doc__") or "")
        _, found, text = text.partition("Attributes:\n")
        name = ""
        for line in text.splitlines() if found else ():
            if line.strip() and not line.startswith("    "):
                break
            if match := ITEM.match(line):
                name = match[1]
                out[name] = line[match.end() :].strip()
            elif name and line.strip():
                out[name] += f" {line.strip()}"
    return out


@cache
def _definitions(module: str) -> dict[str, ast.stmt | ast.alias | tuple[str, str]]:
    """What the names at the top of a module stand for: a class, a value, or (module, name) where it comes from."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    out: dict[str, Any] = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.ImportFrom):
            out |= {alias.asname or alias.name: (str(line.module), alias.name) for alias in line.names}
        elif isinstance(line, ast.ClassDef):
            out[line.name] = line
        elif isinstance(line, ast.Assign):
            for target in line.targets:
                names = [target] if isinstance(target, ast.Name) else getattr(target, "elts", [])
                out |= {name.id: line for name in names if isinstance(name, ast.Name)}
        elif isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            out[line.target.id] = line
    return out


def _registered(node: ast.ClassDef) -> tuple[str, str] | None:
    for call in node.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "register":
            group, name = (ast.literal_eval(argument) for argument in call.args)
            return group, name
    return None


def _looked_up(module: str, node: ast.expr) -> Any:
    """What a base of a class is: an outline, or something that is no dataclass."""
    try:
        return _evaluated(module, node)
    except LookupError:
        return object


def _evaluated(module: str, node: ast.expr) -> Any:
    """The value of an expression of a module, each name in it looked up where the module has it from."""
    names = {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}
    scope = {name: _value(module, name) for name in names}
    return eval(compile(ast.Expression(node), module, "eval"), scope)  # of the package's own source


def _value(module: str, name: str) -> Any:
    """What a name at the top of a module holds.

    Raises:
        LookupError: it comes from a package that is not imported for this.
    """
    found = _definitions(module).get(name)
    if found is None:
        return getattr(builtins, name)
    if isinstance(found, tuple):
        source, inner = found
        if source.split(".")[0] == "gans":
            return _value(source, inner)
        if source not in STANDARD:
            raise LookupError(f"{module}: {name} comes from {source}")
        return getattr(importlib.import_module(source), inner)
    if isinstance(found, ast.ClassDef):
        return outline(module, name) if "dataclass" in map(_decorator, found.decorator_list) else object
    if isinstance(found, ast.Assign) and not isinstance(found.targets[0], ast.Name):
        several = getattr(found.targets[0], "elts", [])
        place = [getattr(one, "id", "") for one in several].index(name)
        return _evaluated(module, found.value)[place]
    return _evaluated(module, found.value)  # pyright: ignore[reportAttributeAccessIssue]


def _decorator(node: ast.expr) -> str:
    return ast.unparse(node.func if isinstance(node, ast.Call) else node)
