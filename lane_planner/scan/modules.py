"""Files → modules: dotted names, packages, namespace packages, names that nobody can import."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from keyword import iskeyword

import msgspec


class Module(msgspec.Struct, frozen=True, gc=False):
    """A module of the repository.

    Attributes:
        name: dotted name; for a file that nobody can import by name, its path.
        path: the file below the root; for a namespace package, the directory.
        package: whether it is a package.
        namespace: whether it is a package without `__init__.py`.
        importable: whether an import statement can name it.
        home: dotted name of the package that its relative imports start from ("" at the top).
        shadowed_by: path of the file that has the name that this one would have, or None.
    """

    name: str
    path: str
    package: bool
    namespace: bool
    importable: bool
    home: str
    shadowed_by: str | None = None


class ModuleTable(msgspec.Struct, frozen=True):
    """The modules of a repository.

    Attributes:
        by_name: sorted by name; namespace packages are among them.
        by_path: the same without namespace packages, by file.
        tops: first names of dotted names that are first-party.
    """

    by_name: dict[str, Module]
    by_path: dict[str, Module]
    tops: frozenset[str]


# Which file stands for a name that several claim: a package before a module, as CPython's path
# finder has it; source before what is made from it.
_RANKS = {".py": 0, ".pyx": 1, ".so": 2, ".pyd": 2, ".pyi": 3}


class _Claim(msgspec.Struct, gc=False):
    path: str
    name: str
    home: str
    package: bool
    rank: tuple[int, int, int]


def name_modules(
    paths: Iterable[str], source_roots: Sequence[str] = (".",), lane_paths: Iterable[str] = ()
) -> ModuleTable:
    """Name the modules that files hold.

    Args:
        paths: files below the root, "/"-separated.
        source_roots: directories that names start from; the longest that holds a file counts.
        lane_paths: paths of lanes: their first names are first-party even without a file.
    """
    roots = SourceRoots(source_roots)
    claims: dict[str, _Claim] = {}
    modules: list[Module] = []
    directories: dict[str, str] = {}  # importable directories: dotted name → path
    tops: set[str] = set()
    for lane_path in lane_paths:
        tops.add(roots.split(lane_path)[1].removesuffix(".py").partition("/")[0])
    known: dict[str, tuple[str, bool, int]] = {}  # directory → dotted name, importable, root's rank
    for path in sorted(paths):
        directory, _, file = path.rpartition("/")
        if directory not in known:
            known[directory] = _directory(directory, roots)
            home, importable, _ = known[directory]
            if home:
                tops.add(home.partition(".")[0])
        home, importable, root_rank = known[directory]
        stem, suffix = _split(file)
        if stem == "__init__":
            name, package = home, True
        else:
            name, package = (f"{home}.{stem}" if home else stem), False
            importable = importable and is_name(stem)
            if not home and importable:
                tops.add(stem)
        if not importable or not name:
            modules.append(Module(path, path, package, False, False, home))
            continue
        rank = (root_rank, 0 if package else 1, _RANKS[suffix])
        claim = _Claim(path, name, home, package, rank)
        rival = claims.get(name)
        if rival is not None:
            first, second = (claim, rival) if claim.rank < rival.rank else (rival, claim)
            claim = first
            if second.path.endswith(".py"):  # a stub or a built file beside its source is no rival
                modules.append(
                    Module(second.path, second.path, second.package, False, False, second.home,
                           first.path)
                )  # fmt: skip
        claims[name] = claim
    for directory, (name, importable, _) in known.items():
        above, place = name, directory
        while above and importable and above not in directories:
            directories[above] = place
            above, place = above.rpartition(".")[0], place.rpartition("/")[0]
    for claim in claims.values():
        parent = _hiding_parent(claim.name, claims)
        if parent is not None:
            # `a/b.py` hides the directory `a/b/` without `__init__.py`: nobody can import from it
            modules.append(
                Module(claim.path, claim.path, claim.package, False, False, claim.home, parent)
            )
            continue
        home = claim.name if claim.package else claim.home
        modules.append(Module(claim.name, claim.path, claim.package, False, True, home))
    for name, directory in directories.items():
        if name not in claims and _hiding_parent(name, claims) is None:
            modules.append(Module(name, directory, True, True, True, name))
    modules.sort(key=lambda module: (module.name, module.path))
    return ModuleTable(
        {module.name: module for module in modules},
        {module.path: module for module in modules if not module.namespace},
        frozenset(tops),
    )


def _hiding_parent(name: str, claims: dict[str, _Claim]) -> str | None:
    parent = name.rpartition(".")[0]
    while parent:
        claim = claims.get(parent)
        if claim is not None:
            return None if claim.package else claim.path
        parent = parent.rpartition(".")[0]
    return None


def is_name(part: str) -> bool:
    """Tell whether an import statement can hold a name: an identifier and no keyword."""
    return part.isidentifier() and not iskeyword(part)


def _split(file: str) -> tuple[str, str]:
    stem, dot, suffix = file.rpartition(".")
    if suffix in ("so", "pyd"):  # mod.cpython-311-x86_64-linux-gnu.so
        stem = stem.partition(".")[0]
    return stem, dot + suffix


def _directory(directory: str, roots: SourceRoots) -> tuple[str, bool, int]:
    rank, below = roots.split(directory)
    parts = below.split("/") if below else []
    return ".".join(parts), all(map(is_name, parts)), rank


class SourceRoots:
    """The directories that dotted names start from.

    Args:
        roots: below the repository's root; "." for itself.
    """

    def __init__(self, roots: Sequence[str]) -> None:
        ranked = [
            ("" if root in ("", ".") else root.rstrip("/") + "/", i) for i, root in enumerate(roots)
        ]
        self._prefixes = sorted(ranked, key=lambda pair: (-len(pair[0]), pair[1]))

    def split(self, path: str) -> tuple[int, str]:
        """Return the rank of the longest root that holds a path, and the path below that root.

        A path outside all roots is named from the repository's root, behind every other.
        """
        for prefix, rank in self._prefixes:
            if path.startswith(prefix) or path == prefix[:-1]:
                return rank, path[len(prefix) :]
        return len(self._prefixes), path

    def dotted(self, path: str) -> str:
        """Return the dotted name of a module file or a directory, importable or not."""
        below = self.split(path)[1]
        if below.endswith(".py"):
            below = below[:-3]
            if below == "__init__":
                return ""
            below = below.removesuffix("/__init__")
        return below.replace("/", ".")
