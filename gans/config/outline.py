"""What components say of themselves, read from their source: nothing heavy is imported, JAX least of all.

Keys with their types, defaults and lines of explanation are what help, completion and the first look at overrides
need. An outline of a dataclass has its fields, and those checks of values that need nothing that is not there; a test
compares each outline with the class itself.
"""

import ast
import builtins
import contextlib
import dataclasses
import importlib
import inspect
import re
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

PACKAGE = Path(__file__).parent.parent
IMPORTED = (
    "dataclasses",
    "datetime",
    "math",
    "pathlib",
    "typing",
    "gans.data.formats",
    "gans.errors",
)  # quick; others are not needed here
CHECKS = ("__post_init__", "check_")
ITEM = re.compile(r"^    (\w+): ")


class UntoldError(Exception):
    """A check of an outline came to something that only the class itself knows."""


class _Unread:
    """What stands for a name that comes from elsewhere; whatever is done with it ends a check."""

    def __getattr__(self, name: str) -> NoReturn:
        raise UntoldError(name)

    def _end(self, *_: Any, **__: Any) -> NoReturn:
        raise UntoldError

    __call__ = __iter__ = __contains__ = __getitem__ = __bool__ = __eq__ = __lt__ = __gt__ = _end
    __hash__ = object.__hash__


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
    """A dataclass with the fields and checks of a dataclass of the package, inherited ones included."""
    node = _definitions(module)[name]
    assert isinstance(node, ast.ClassDef), f"{module}.{name} is no class"
    bases = [base for base in map(ast.unparse, node.bases) if dataclasses.is_dataclass(_value(module, base))]
    body = ast.unparse(ast.Module([line for line in node.body if _outlined(line)] or [ast.Pass()], []))
    source = f"class {name}({', '.join(bases)}):\n" + "\n".join(f"    {line}" for line in body.splitlines())
    names = {inner.id for inner in ast.walk(ast.parse(source)) if isinstance(inner, ast.Name)}
    scope: dict[str, Any] = {"__name__": module} | {one: _value(module, one) for one in names if _known(module, one)}
    exec(compile(source, module, "exec"), scope)  # of the package's own source
    kind = scope[name]
    kind.__doc__ = ast.get_docstring(node)
    return dataclasses.dataclass(kw_only=True)(kind)


def _outlined(line: ast.stmt) -> bool:
    """Whether a line of a class is a field, a constant, or a check of values."""
    if isinstance(line, ast.AnnAssign):
        return "ClassVar" not in ast.unparse(line.annotation)
    if isinstance(line, ast.Assign):
        return isinstance(line.value, ast.Constant)
    return isinstance(line, ast.FunctionDef) and line.name.startswith(CHECKS)


def check(part: Any, files: bool = False) -> None:
    """Do the checks of a part of a composed config, as far as they need nothing else.

    Args:
        part: of a config whose schemas are outlines.
        files: whether the file that it names must be there.

    Raises:
        UserError: a value will not do.
        OmegaConfBaseException: a value is missing, or refers to what is not there.
    """
    from omegaconf import OmegaConf

    with contextlib.suppress(UntoldError, AttributeError):
        found: Any = OmegaConf.to_object(part)
        if files:
            found.check_file()


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
def _definitions(module: str) -> dict[str, Any]:
    """What the names at the top of a module stand for: a class, a value, or (module, name) where it comes from."""
    path = PACKAGE.joinpath(*module.split(".")[1:])
    source = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text(encoding="utf-8")
    out: dict[str, Any] = {}
    for line in ast.parse(source).body:
        if isinstance(line, ast.ImportFrom):
            out |= {alias.asname or alias.name: (str(line.module), alias.name) for alias in line.names}
        elif isinstance(line, ast.Import):
            out |= {alias.asname or alias.name: (alias.name, "") for alias in line.names}
        elif isinstance(line, (ast.ClassDef, ast.FunctionDef)):
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


def _known(module: str, name: str) -> bool:
    return name in _definitions(module) or hasattr(builtins, name)


def _value(module: str, name: str) -> Any:
    """What a name at the top of a module, or of the language, holds; what cannot be read here is an _Unread."""
    try:
        return _read(module, name, _definitions(module).get(name))
    except Exception:  # of an expression that works with what is imported
        return _Unread()


def _read(module: str, name: str, found: Any) -> Any:
    if isinstance(found, tuple):
        source, inner = found
        if source in IMPORTED:
            return getattr(importlib.import_module(source), inner) if inner else importlib.import_module(source)
        return _value(source, inner) if source.split(".")[0] == "gans" and inner else _Unread()
    if isinstance(found, ast.ClassDef):
        decorators = (ast.unparse(one.func if isinstance(one, ast.Call) else one) for one in found.decorator_list)
        return outline(module, name) if "dataclass" in decorators else _Unread()
    if isinstance(found, (ast.Assign, ast.AnnAssign)) and found.value is not None:
        names = {inner.id for inner in ast.walk(found.value) if isinstance(inner, ast.Name)}
        scope = {one: _value(module, one) for one in names if _known(module, one)}
        value = eval(compile(ast.Expression(found.value), module, "eval"), scope)
        target = found.targets[0] if isinstance(found, ast.Assign) else found.target
        places = [getattr(one, "id", "") for one in getattr(target, "elts", [])]
        return value[places.index(name)] if places else value
    return getattr(builtins, name) if found is None else _Unread()
