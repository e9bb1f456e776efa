"""A first lanes.toml for a repository that has none, from the paths of its Python files."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from lane_planner.config.paths import path_fault
from lane_planner.config.presets import PRESETS

_LUKHAS_LANES = frozenset({"candidate", "core", "lukhas", "products"})
_LUKHAS_MARKS = frozenset({"candidate", "lukhas"})  # core and products alone are common elsewhere
_ASIDE = frozenset({"benchmarks", "doc", "docs", "examples", "scripts", "test", "testing", "tests"})

_HEAD = """\
# Lanes group code by trust; see which imports cross them with `lane-planner check`.
# This first version allows every import. Make it yours: delete from `imports` what a lane should
# not import, join lanes by giving one several paths, and say with `promotes_to` where modules
# of a lane move when they are ready.
"""

_TAIL = """\
# [coverage]  # what tests a module needs before it is promoted
# min = 0.75
# data = "coverage.json"

# [[gates]]  # commands that must succeed before a promotion stays
# name = "unit"
# command = ["pytest", "tests/"]
# timeout = 120
"""


def propose(paths: Sequence[str]) -> str:
    """Propose a configuration that forbids no import yet, for the user to tighten.

    A repository with the lanes of the lukhas preset gets that preset. Any other gets a lane for
    each top-level package below each source root (the root itself and every `src` directory that
    is not a package), each allowed to import all others. Tests, documentation, examples, scripts
    and benchmarks are in no lane, nor are single files beside packages.

    Args:
        paths: of the Python files, relative to the root, "/"-separated, in any order.

    Returns:
        The text of a lanes.toml that `parse_settings` accepts, the same for the same set of paths.
    """
    usable = sorted({p for p in paths if p.isprintable() and path_fault(p) is None})
    tops = {path.partition("/")[0] for path in usable if "/" in path}
    if len(tops & _LUKHAS_LANES) > 1 and tops & _LUKHAS_MARKS:
        return PRESETS["lukhas"]
    roots = _source_roots(usable)
    lanes = _lanes(usable, roots)
    blocks = [_HEAD, f"source_roots = {_toml_list(roots)}\n"]
    if not lanes:
        blocks.append("# No package was found: replace this example by your own directories.\n")
        lanes = {"app": ("app",)}
    blocks += [_lane(name, paths, [n for n in lanes if n != name]) for name, paths in lanes.items()]
    return "\n".join([*blocks, _TAIL])


def _source_roots(paths: Iterable[str]) -> tuple[str, ...]:
    packages = {path.rpartition("/")[0] for path in paths if path.endswith("/__init__.py")}
    roots = {_source_root(path, packages) for path in paths} or {"."}
    return tuple(sorted(roots, key=lambda root: (root == ".", root)))


def _source_root(path: str, packages: set[str]) -> str:
    parts = path.split("/")[:-1]
    for depth, part in enumerate(parts):
        directory = "/".join(parts[: depth + 1])
        if directory in packages or part in _ASIDE:
            break
        if part == "src":
            return directory
    return "."


def _lanes(paths: Sequence[str], roots: Sequence[str]) -> dict[str, tuple[str, ...]]:
    directories: dict[str, set[str]] = {}
    files: dict[str, set[str]] = {}
    for path in paths:
        root = next(root for root in roots if root == "." or path.startswith(f"{root}/"))
        below = path if root == "." else path.removeprefix(f"{root}/")
        top, slash, _ = below.partition("/")
        name = top.removesuffix(".py")
        if not name.isidentifier() or name in _ASIDE:
            continue
        if slash:
            directories.setdefault(name, set()).add(path.removesuffix(below) + top)
        elif name not in ("conftest", "setup") and not name.startswith("test_"):
            files.setdefault(name, set()).add(path)
    found = directories or files  # a project may be a single module
    return {name: tuple(sorted(found[name])) for name in sorted(found)}


def _lane(name: str, paths: Sequence[str], others: Sequence[str]) -> str:
    header = f"[lanes.{name if name.isascii() else _toml_string(name)}]"
    return f"{header}\npaths = {_toml_list(paths)}\nimports = {_toml_list(others)}\n"


def _toml_list(values: Iterable[str]) -> str:
    items = [_toml_string(value) for value in values]
    line = f"[{', '.join(items)}]"
    return line if len(line) < 80 else "\n".join(["[", *(f"    {item}," for item in items), "]"])


def _toml_string(value: str) -> str:
    # JSON's strings are TOML's for printable text that is not escaped to surrogate pairs.
    return json.dumps(value, ensure_ascii=False)
