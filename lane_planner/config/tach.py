"""tach's modules, read as what they forbid between the pieces of the repository.

In tach a module is a name with all below it that is no module of its own, which is what a piece of
`partition` is. Its layers decide first, then `depends_on`, as tach's checker has it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.partition import Ban, Known, Part, Rules
from lane_planner.config.paths import normal_path, path_fault

_FILE, _PROJECT, _DOMAIN = "tach.toml", "pyproject.toml", "tach.domain.toml"
_ROOT = "<root>"
_ROOT_NAMES = (_ROOT, ".")
_DOMAIN_ROOT = "<domain_root>"
_READ = frozenset(
    {
        "modules", "layers", "source_roots", "root_module", "exclude", "interfaces",
        "ignore_type_checking_imports", "forbid_circular_dependencies", "exact",
        "layers_explicit_depends_on",
    }
)  # fmt: skip
_MODULE_KEYS = frozenset(
    {
        "path", "paths", "depends_on", "cannot_depend_on", "layer", "utility", "unchecked",
        "visibility", "strict", "depends_on_external", "cannot_depend_on_external",
    }
)  # fmt: skip
_ALL = "*"  # who may see a module that does not say

# The pieces of a glob. They are those of the crate globset, with dots for slashes: `**` stands for
# any number of names where it is one by itself, but for a glob that is nothing else.
_GLOB = re.compile(
    r"""
      (?P<first> ^\*\*\. )
    | (?P<inner> \.\*\*(?=\.|$) )
    | (?P<some> \*+ )
    | (?P<one> \? )
    | \[ (?P<other> [!^]? ) (?P<among> [^\]]+ ) \]
    | \{ (?P<either> [^{}]* ) \}
    | (?P<plain> . )
    """,
    re.VERBOSE,
)
_IN_GLOBS = frozenset("*?[{")


class Project(msgspec.Struct, frozen=True):
    """tach's configuration as it is written.

    Attributes:
        source: the file.
        values: what it says.
        domains: dotted name of a directory → what its `tach.domain.toml` says.
    """

    source: Path
    values: Mapping[str, object]
    domains: tuple[tuple[str, Mapping[str, object]], ...] = ()

    def source_roots(self, root: Path) -> tuple[str, ...]:
        """Return the directories that module names start from.

        Args:
            root: of the repository, where globs are looked up.

        Raises:
            UsageError: one is not below the root, or a glob matches none.
        """
        found: list[str] = []
        for said in _texts(self.source, self.values, "source_roots") or (".",):
            fault = path_fault(said.replace("*", "_").replace("?", "_"))
            matches = [normal_path(said)]
            if fault is None and not _IN_GLOBS.isdisjoint(said):
                try:
                    below = sorted(p.relative_to(root) for p in root.glob(said) if p.is_dir())
                except ValueError:  # such as a**
                    below = []
                matches = [p.as_posix() for p in below if not any(n[0] == "." for n in p.parts)]
                fault = None if matches else "matches no directory"
            if fault is not None:
                raise UsageError(printable(f'{self.source}: source_roots: "{said}" {fault}'))
            found += matches
        return tuple(dict.fromkeys(found))


class _Module(msgspec.Struct, frozen=True):
    name: str
    depends_on: tuple[str, ...] | None
    cannot_depend_on: tuple[str, ...]
    layer: str | None
    utility: bool
    unchecked: bool
    visibility: tuple[str, ...]


def find_project(root: Path, file: Path | None = None) -> Project:
    """Read tach's configuration.

    Args:
        root: directory where its usual files are looked for.
        file: the file; None: the first of the usual ones that has a configuration.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    for path in [root / _FILE, root / _PROJECT] if file is None else [file]:
        if file is None and not path.is_file():
            continue
        found: object = _toml(path)
        if path.name == _PROJECT:
            for key in ("tool", "tach"):
                found = found.get(key) if isinstance(found, dict) else None
        if isinstance(found, dict):
            return Project(path, found)
    where = f"in {file}" if file is not None else f"in {_FILE} or {_PROJECT} of {root}"
    raise UsageError(printable(f"no configuration of tach {where}: name the file that has it"))


def with_domains(project: Project, root: Path, known: Known) -> Project:
    """Return the configuration with what the domains of the repository say.

    Args:
        project: without them.
        root: of the repository.
        known: the repository: a domain stands beside code.

    Raises:
        UsageError: one cannot be read.
    """
    found = []
    for name in sorted(known.packages):
        for place in known.places[name]:
            file = root / place / _DOMAIN
            if file.is_file():
                found.append((name, _toml(file)))
    return msgspec.structs.replace(project, domains=tuple(found))


def rules_of(project: Project, known: Known) -> Rules:
    """Return what tach's modules forbid in a repository.

    Args:
        project: its configuration.
        known: the repository.

    Raises:
        UsageError: it is not what tach reads.
    """
    notes: list[str] = []
    modules = _modules(project, known, notes)
    layers, closed = _layers(project)
    explicit = project.values.get("layers_explicit_depends_on") is True
    root = str(project.values.get("root_module", "ignore"))
    bans = [
        Ban(0, Part(a.name), Part(b.name), pieces=True)
        for a in modules.values()
        for b in modules.values()
        if a != b and _forbidden(a, b, layers, closed, explicit, project.source)
    ]
    rooted = any(_ROOT in (m.depends_on or ()) for m in modules.values())
    free = root == "ignore" or (root == "allow" and rooted)
    notes += _notes(project, root, rooted)
    if not free:
        notes += [
            f"{module.name} has no depends_on, and may import code in no module: its lane may not"
            for module in modules.values()
            if module.depends_on is None
        ]
    return Rules(
        "tach",
        ("tach",),
        tuple(bans),
        mentions=tuple((Part(m.name), _said(m)) for m in modules.values()),
        cuts=tuple(Part(name) for name in modules),
        unlaned="allow" if free else "forbid",
        notes=tuple(dict.fromkeys(notes)),
    )


def _said(module: _Module) -> str:
    words = [f"tach's module {module.name}"]
    if module.layer is not None:
        words.append(f"layer {module.layer}")
    words += [word for word in ("utility", "unchecked") if getattr(module, word)]
    return ", ".join(words)


def _forbidden(
    a: _Module, b: _Module, layers: Sequence[str], closed: frozenset[str], explicit: bool,
    source: Path,
) -> bool:  # fmt: skip
    """Tell whether one module may not import another."""
    if a.unchecked:
        return False
    for layer in (a.layer, b.layer):
        if layer is not None and layer not in layers:
            raise UsageError(printable(f'{source}: there is no layer "{layer}", add it to layers'))
    if a.layer is not None and b.layer is not None and a.layer != b.layer:
        above, below = layers.index(a.layer), layers.index(b.layer)
        if above > below or closed.intersection(layers[above + 1 : below]):
            return True
        if not explicit:
            return False
    visible = _ALL in b.visibility or _named(a.name, b.visibility)
    if _named(b.name, a.cannot_depend_on) or not visible:
        return True
    return a.depends_on is not None and not b.utility and not _named(b.name, a.depends_on)


def _named(name: str, globs: Iterable[str]) -> bool:
    return any(_glob(glob).fullmatch(name) for glob in globs)


@cache
def _glob(glob: str) -> re.Pattern[str]:
    """Return the pattern of the dotted names that one of tach's globs means.

    Raises:
        UsageError: it has a class of characters that is none, such as `[z-a]`.
    """
    try:
        return re.compile(_glob_source(glob))
    except re.error as error:
        raise UsageError(printable(f'"{glob}" is no glob, {error.msg}: mend it')) from error


def _glob_source(glob: str) -> str:
    source = ""
    for piece in _GLOB.finditer(glob):
        if piece["first"]:
            source += r"(?:[^.]+\.)*"
        elif piece["inner"]:
            source += r"(?:\.[^.]+)*"
        elif piece["some"]:
            source += r"[^.]*"
        elif piece["one"]:
            source += r"[^.]"
        elif piece["among"]:
            among = piece["among"].replace("\\", r"\\").replace("[", r"\[")
            source += f"[{'^' if piece['other'] else ''}{among}]"
        elif piece["either"] is not None:
            source += f"(?:{'|'.join(map(_glob_source, piece['either'].split(',')))})"
        else:
            source += re.escape(piece["plain"])
    return source


def _layers(project: Project) -> tuple[tuple[str, ...], frozenset[str]]:
    """Return the names of the layers, the highest first, and those that are closed."""
    names = []
    closed = set()
    for layer in _several(project.source, project.values, "layers"):
        name = layer.get("name") if isinstance(layer, dict) else layer
        if not isinstance(name, str):
            raise UsageError(printable(f"{project.source}: layers has an item without a name"))
        names.append(name)
        if isinstance(layer, dict) and layer.get("closed") is True:
            closed.add(name)
    return tuple(names), frozenset(closed)


def _modules(project: Project, known: Known, notes: list[str]) -> dict[str, _Module]:
    """Return the modules by name; what is named by itself counts, not what a glob says of it."""
    written: list[tuple[str, Mapping[str, object]]] = [
        ("", table) for table in _tables(project.source, project.values, "modules")
    ]
    for name, domain in project.domains:
        own = domain.get("root")
        if isinstance(own, dict):
            written.append((name, {**own, "path": _DOMAIN_ROOT}))
        written += [(name, table) for table in _tables(project.source, domain, "modules")]
        if domain.get("interfaces"):
            notes.append(f"interfaces of {name}: lanes say which code is imported, not which names")
    globbed: dict[str, _Module] = {}
    named: dict[str, _Module] = {}
    for domain_name, table in written:
        paths = (*_texts(project.source, table, "paths"), *_texts(project.source, table, "path"))
        for path in (_absolute(said, domain_name) for said in paths):
            if path in _ROOT_NAMES:
                if _several(project.source, table, "depends_on"):
                    notes.append("<root> has depends_on: here code in no lane may import anything")
                continue
            module = _module(project.source, path, table, domain_name, notes)
            if _IN_GLOBS.isdisjoint(path):
                named[path] = module
                if path not in known.places:
                    notes.append(f"there is no module {path}; its lane is empty")
                continue
            # A directory without `__init__.py` is no module to tach's globs.
            matches = [
                name
                for name in sorted(known.places)
                if (name not in known.packages or name in known.inits) and _named(name, (path,))
            ]
            for match in matches:
                globbed[match] = msgspec.structs.replace(module, name=match)
            if matches:
                notes.append(f"{path} stands for the modules of today, not for those added later")
            else:
                notes.append(f"{path} matches no module")
    return {**globbed, **named}


def _module(
    source: Path, path: str, table: Mapping[str, object], domain: str, notes: list[str]
) -> _Module:
    depends = _dependencies(source, table, "depends_on", domain)
    for name, deprecated in depends or ():
        if deprecated:
            notes.append(f"{path} may import {name}, which tach calls deprecated: no warning here")
    for key in table:
        if key not in _MODULE_KEYS:
            notes.append(f"{path}: {key} is not known here: left out")
        elif key.endswith("_external"):
            notes.append(f"{path}: {key}: lanes may import all that is not of this repository")
    if table.get("strict"):
        notes.append(f"{path} is strict: lanes say which code is imported, not which names")
    visibility = table.get("visibility")
    if visibility is not None and _ALL not in _texts(source, table, "visibility"):
        notes.append(
            f"{path} has visibility, which tach asks of names in depends_on alone: here it holds "
            "for all imports"
        )
    layer = table.get("layer")
    return _Module(
        path,
        None if depends is None else tuple(name for name, _ in depends),
        tuple(n for n, _ in _dependencies(source, table, "cannot_depend_on", domain) or ()),
        layer if isinstance(layer, str) else None,
        table.get("utility") is True,
        table.get("unchecked") is True,
        (_ALL,)
        if visibility is None
        else tuple(_absolute(n, domain) for n in _texts(source, table, "visibility")),
    )


def _dependencies(
    source: Path, table: Mapping[str, object], key: str, domain: str
) -> tuple[tuple[str, bool], ...] | None:
    """Return names with whether they are deprecated; None if the key is not there."""
    if key not in table:
        return None
    found = []
    for item in _several(source, table, key):
        name = item.get("path") if isinstance(item, dict) else item
        if not isinstance(name, str):
            raise UsageError(printable(f"{source}: {key} has an item without a path"))
        deprecated = isinstance(item, dict) and item.get("deprecated") is True
        found.append((_absolute(name, domain), deprecated))
    return tuple(found)


def _absolute(name: str, domain: str) -> str:
    """Return the dotted name that is meant in a domain; "" is the project."""
    if name.startswith("//"):
        return name[2:]
    if not domain or name == _ROOT:
        return name
    return domain if name == _DOMAIN_ROOT else f"{domain}.{name}"


def _notes(project: Project, root: str, rooted: bool) -> list[str]:
    """Return what of the project as a whole lanes do not say."""
    values = project.values
    notes = [
        f"source_roots: {said} stands for the directories of today, not for those added later"
        for said in _texts(project.source, values, "source_roots")
        if not _IN_GLOBS.isdisjoint(said)
    ]
    if root == "allow":
        notes.append(
            'root_module = "allow": code in no module is in no lane, and may import anything'
            + ("; lanes may import it, though only some modules might" if rooted else "")
        )
    elif root in ("dependenciesonly", "forbid"):
        notes.append(
            f'root_module = "{root}": no lane may import code in no lane (unlaned), which itself '
            "may import anything"
        )
    if values.get("interfaces"):
        notes.append("interfaces: lanes say which code is imported, not which names of it")
    if values.get("exclude"):
        notes.append(
            "exclude is not carried over: there it means not checked, here not seen at all, and "
            "what is not seen is not rewritten when a module moves. Code in no lane is not checked"
        )
    if values.get("ignore_type_checking_imports", True) is not False:
        notes.append(
            "ignore_type_checking_imports: here imports under TYPE_CHECKING count like any other"
        )
    if values.get("forbid_circular_dependencies") is True:
        notes.append("forbid_circular_dependencies: `check --cycles` reports circular imports")
    if values.get("exact") is True:
        notes.append("exact: lanes may have more in `imports` than they use")
    others = sorted(key for key in values if key not in _READ)
    if others:
        notes.append(f"{', '.join(others)}: nothing here stands for it")
    notes.append("comments `tach-ignore` in the code are not read; waivers take their place")
    return notes


# --- reading ---


def _toml(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        why = error.strerror or str(error)
        raise UsageError(printable(f"{path} cannot be read, {why}")) from error
    except ValueError as error:  # not UTF-8, or not TOML
        raise UsageError(printable(f"{path}: not valid TOML: {error}")) from error


def _several(source: Path, table: Mapping[str, object], key: str) -> list[object]:
    value = table.get(key, [])
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list):
        raise UsageError(printable(f"{source}: {key} is no list"))
    return value


def _texts(source: Path, table: Mapping[str, object], key: str) -> tuple[str, ...]:
    values = _several(source, table, key)
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) < len(values):
        raise UsageError(printable(f"{source}: {key} is no list of texts"))
    return tuple(texts)


def _tables(source: Path, table: Mapping[str, object], key: str) -> list[Mapping[str, object]]:
    values = _several(source, table, key)
    tables = [value for value in values if isinstance(value, dict)]
    if len(tables) < len(values):
        raise UsageError(printable(f"{source}: {key} is no array of tables"))
    return [*tables]
