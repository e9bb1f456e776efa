"""import-linter's contracts, read as what they forbid between modules.

Layers, forbidden, independence and protected contracts become bans between parts of the
repository, which `partition` turns into lanes. What lanes cannot say becomes a note.
"""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, permutations
from pathlib import Path
from typing import NamedTuple

import msgspec

from lane_planner.base.errors import UsageError
from lane_planner.base.text import printable
from lane_planner.config.partition import Ban, Ignored, Known, Part, Rules, between

_FILES = ("setup.cfg", ".importlinter", "pyproject.toml")  # in the order in which it looks
_SECTION = "importlinter"
_SESSION_KEYS = frozenset(
    {
        "root_package", "root_packages", "include_external_packages", "contracts",
        "exclude_type_checking_imports", "contract_types",
    }
)  # fmt: skip
_SHARED_KEYS = frozenset(
    {
        "id", "name", "type", "ignore_imports", "unmatched_ignore_imports_alerting",
        "broken_contract_guidance",
    }
)  # fmt: skip
_KEYS = {
    "layers": {"layers", "containers", "exhaustive", "exhaustive_ignores"},
    "forbidden": {
        "source_modules", "forbidden_modules", "allow_indirect_imports", "as_packages"
    },
    "independence": {"modules"},
    "protected": {"protected_modules", "allowed_importers", "as_packages"},
}  # fmt: skip
_TYPE_CHECKING = (
    "exclude_type_checking_imports: here imports under TYPE_CHECKING count like any other; "
    "`check --update-baseline --allow-additions` takes those that are there"
)


class Options(msgspec.Struct, frozen=True):
    """import-linter's configuration as it is written.

    Attributes:
        source: the file.
        session: options of the whole.
        contracts: options of each contract.
    """

    source: Path
    session: Mapping[str, object]
    contracts: tuple[Mapping[str, object], ...]

    @property
    def root_packages(self) -> tuple[str, ...]:
        """The packages that it looks at.

        Raises:
            UsageError: there are none.
        """
        named = _texts(self, self.session, "root_packages", _SECTION)
        named = named or _texts(self, self.session, "root_package", _SECTION)
        if not named:
            raise UsageError(printable(f"{self.source}: {_SECTION} names no root_package, add one"))
        return named


def find_options(root: Path, file: Path | None = None) -> Options:
    """Read import-linter's configuration.

    Args:
        root: directory where its usual files are looked for.
        file: the file; None: the first of the usual ones that has a configuration.

    Raises:
        UsageError: there is none, or it cannot be read.
    """
    for path in [root / name for name in _FILES] if file is None else [file]:
        if file is None and not path.is_file():
            continue
        try:
            text = path.read_bytes().decode("utf-8-sig")
        except OSError as error:
            why = error.strerror or str(error)
            raise UsageError(printable(f"{path} cannot be read, {why}")) from error
        except UnicodeDecodeError as error:
            raise UsageError(printable(f"{path}: not UTF-8, save it in UTF-8")) from error
        found = read_options(text, path)
        if found is not None:
            return found
    where = f"in {file}" if file is not None else f"in {', '.join(_FILES)} of {root}"
    raise UsageError(
        printable(f"no configuration of import-linter {where}: name the file that has it")
    )


def read_options(text: str, source: Path) -> Options | None:
    """Return the configuration that a file holds, None if it holds none.

    Args:
        text: of the file; TOML if its name ends so, else INI.
        source: the file.

    Raises:
        UsageError: it is neither.
    """
    return _read_toml(text, source) if source.suffix == ".toml" else _read_ini(text, source)


def _read_toml(text: str, source: Path) -> Options | None:
    try:
        found: object = tomllib.loads(text)
    except ValueError as error:
        raise UsageError(printable(f"{source}: not valid TOML: {error}")) from error
    for key in ("tool", _SECTION):
        found = found.get(key) if isinstance(found, dict) else None
    if not found:
        return None
    contracts = found.get("contracts", []) if isinstance(found, dict) else None
    if not isinstance(contracts, list) or not all(isinstance(c, dict) for c in contracts):
        raise UsageError(printable(f"{source}: tool.{_SECTION} is not what import-linter reads"))
    return Options(source, found, tuple(contracts))  # type: ignore[arg-type]


def _read_ini(text: str, source: Path) -> Options | None:
    parser = configparser.ConfigParser()
    try:
        parser.read_string(text)
        if _SECTION not in parser:
            return None
        return Options(
            source,
            dict(parser[_SECTION]),
            tuple(
                {"id": name.rpartition(":")[2], **parser[name]}
                for name in parser.sections()
                if name.startswith(f"{_SECTION}:")
            ),
        )
    except configparser.Error as error:
        said = " ".join(str(error).split())
        raise UsageError(printable(f"{source}: not an INI file: {said}")) from error


def rules_of(options: Options, known: Known) -> Rules:
    """Return what import-linter's contracts forbid in a repository.

    Args:
        options: its configuration.
        known: the repository.

    Raises:
        UsageError: a contract is not what import-linter reads.
    """
    reader = _Reader(options, known)
    for index, contract in enumerate(options.contracts):
        reader.read(index, contract)
    return reader.rules()


class _Layer(NamedTuple):
    names: tuple[tuple[str, bool], ...]  # with whether it may be missing
    independent: bool


class _Reader:
    def __init__(self, options: Options, known: Known) -> None:
        self._options = options
        self._known = known
        self._roots = options.root_packages
        self._titles: list[str] = []
        self._bans: list[Ban] = []
        self._ignored: list[Ignored] = []
        self._mentions: list[tuple[Part, str]] = []
        self._notes: list[str] = []
        self._direct_only: list[str] = []
        self._chains: list[str] = []

    def read(self, index: int, contract: Mapping[str, object]) -> None:
        """Take what a contract forbids."""
        kind = self._text(contract, "type", f"contract {index + 1}")
        name = contract.get("name") or contract.get("id") or index + 1
        title = f'{kind} contract "{name}"'
        self._titles.append(title)
        readers = {
            "layers": self._layers,
            "forbidden": self._forbidden,
            "independence": self._independence,
            "protected": self._protected,
        }
        if kind == "acyclic_siblings":
            self._notes.append(
                f"{title}: lanes say nothing of circles; `check --cycles` reports circular "
                "imports between modules"
            )
            return
        if kind not in readers:
            self._notes.append(f"{title} is of a kind that is not known here: left out")
            return
        for key in contract:
            if key not in _SHARED_KEYS and key not in _KEYS[kind]:
                self._notes.append(f"{title}: {key} is not known here: left out")
        guidance = _texts(self._options, contract, "broken_contract_guidance", title)
        if guidance:
            self._notes.append(f"{title}, broken_contract_guidance: {' '.join(guidance)}")
        readers[kind](index, contract, title)
        for said in self._several(contract, "ignore_imports", title, needed=False):
            importer, arrow, imported = (word.strip() for word in said.partition("->"))
            if not (importer and arrow and imported):
                raise self._error(title, f'ignore_imports: "{said}" is not "a.b -> c.d"')
            self._ignored.append(
                Ignored(index, importer, imported, f"ignored in import-linter's {title}")
            )

    def rules(self) -> Rules:
        """Return what all contracts forbid together."""
        notes = list(self._notes)
        session = self._options.session
        for key in session:
            if key not in _SESSION_KEYS:
                notes.append(f"{_SECTION}: {key} is not known here: left out")
        if _truth(session.get("exclude_type_checking_imports")):
            notes.append(_TYPE_CHECKING)
        for name in self._roots:
            if name not in self._known.places:
                notes.append(f"root package {name} is not in this repository")
        if self._direct_only and self._chains:
            notes.append(
                f"{', '.join(self._direct_only)} allows indirect imports, and others do not: here "
                "it is one for all, so chains of imports are not followed (transitive = true "
                "would follow all)"
            )
        alerts = {
            str(contract.get("unmatched_ignore_imports_alerting", "error")).strip() or "error"
            for contract in self._options.contracts
            if contract.get("ignore_imports")
        }
        if alerts - {"warn"}:
            notes.append(
                "unmatched_ignore_imports_alerting: waivers that match nothing are reported and "
                "never fail"
            )
        return Rules(
            "import-linter",
            tuple(self._titles),
            tuple(self._bans),
            tuple(self._ignored),
            tuple(self._mentions),
            transitive=bool(self._chains) and not self._direct_only,
            notes=tuple(notes),
        )

    # --- the kinds of contract ---

    def _layers(self, index: int, contract: Mapping[str, object], title: str) -> None:
        self._chains.append(title)
        layers = [_layer(said) for said in self._several(contract, "layers", title)]
        if _truth(contract.get("exhaustive")):
            self._notes.append(
                f"{title} is exhaustive: here a new module beside the layers is in no lane, and "
                "may import anything"
            )
        containers = self._several(contract, "containers", title, needed=False)
        places = (
            [name for c in containers for name in self._names(c, title)] if containers else [""]
        )
        for container in places:
            stack = []
            for depth, layer in enumerate(layers, 1):
                parts = []
                for tail, optional in layer.names:
                    name = f"{container}.{tail}" if container else tail
                    parts.append(Part(name))
                    where = f" of {container}" if container else ""
                    self._mentions.append((Part(name), f"{title}, layer {depth}{where}"))
                    if name not in self._known.places and not optional:
                        self._notes.append(f"{title}: there is no module {name}; its lane is empty")
                stack.append((parts, layer.independent))
            for (higher, _), (lower, _) in combinations(stack, 2):
                self._ban(index, title, lower, higher)
            for parts, independent in stack:
                if independent:
                    self._apart(index, title, parts)

    def _forbidden(self, index: int, contract: Mapping[str, object], title: str) -> None:
        if _truth(contract.get("allow_indirect_imports")):
            self._direct_only.append(title)
        else:
            self._chains.append(title)
        whole = _truth(contract.get("as_packages", True))
        sources = self._parts(contract, "source_modules", title, whole)
        forbidden = []
        for part in self._parts(contract, "forbidden_modules", title, whole):
            if self._inside(part.name):
                forbidden.append(part)
            else:
                self._notes.append(
                    f"{title}: {part.name} is not of this repository, and lanes may import all "
                    "such packages: left out"
                )
        for part in sources:
            self._mentions.append((part, f"{title}, source"))
        for part in forbidden:
            self._mentions.append((part, f"{title}, forbidden"))
        self._ban(index, title, sources, forbidden, quiet=True)

    def _independence(self, index: int, contract: Mapping[str, object], title: str) -> None:
        self._chains.append(title)
        parts = self._parts(contract, "modules", title, whole=True)
        for part in parts:
            self._mentions.append((part, title))
        self._apart(index, title, parts)

    def _protected(self, index: int, contract: Mapping[str, object], title: str) -> None:
        whole = _truth(contract.get("as_packages", True))
        protected = self._parts(contract, "protected_modules", title, whole)
        allowed = self._parts(contract, "allowed_importers", title, whole)
        for part in protected:
            self._mentions.append((part, f"{title}, protected"))
        for part in allowed:
            self._mentions.append((part, f"{title}, allowed to import it"))
        for root in self._roots:
            # All other code has to be in a lane too, as code in no lane may import anything.
            self._mentions.append((Part(root), "all that no other lane has"))
            for part in protected:
                self._bans.append(Ban(index, Part(root), part, frozenset({part, *allowed})))

    # --- pieces of contracts ---

    def _ban(
        self, index: int, title: str, importers: Sequence[Part], imported: Sequence[Part],
        quiet: bool = False,
    ) -> None:  # fmt: skip
        bans, overlapping = between(index, importers, imported)
        self._bans += bans
        for a, b in overlapping:
            if a != b and not quiet:
                self._notes.append(f"{title}: {a.name} and {b.name} overlap: left out")

    def _apart(self, index: int, title: str, parts: Sequence[Part]) -> None:
        for a, b in permutations(dict.fromkeys(parts), 2):
            self._ban(index, title, [a], [b])

    def _parts(
        self, contract: Mapping[str, object], key: str, title: str, whole: bool
    ) -> tuple[Part, ...]:
        names = [
            name for said in self._several(contract, key, title)
            for name in self._names(said, title)
        ]  # fmt: skip
        return tuple(dict.fromkeys(Part(name, whole) for name in names))

    def _names(self, expression: str, title: str) -> tuple[str, ...]:
        if "*" in expression:
            found = self._known.matching(expression)
            if not found:
                self._notes.append(f"{title}: {expression} matches no module")
            else:
                self._notes.append(
                    f"{title}: {expression} stands for the modules of today; one that is added "
                    "later is in the lane of the package around it, if that has one"
                )
            return found
        if expression not in self._known.places and self._inside(expression):
            self._notes.append(f"{title}: there is no module {expression}; its lane is empty")
        return (expression,)

    def _inside(self, name: str) -> bool:
        return any(name == root or name.startswith(f"{root}.") for root in self._roots)

    def _several(
        self, contract: Mapping[str, object], key: str, title: str, *, needed: bool = True
    ) -> tuple[str, ...]:
        found = _texts(self._options, contract, key, title)
        if needed and key not in contract:
            raise self._error(title, f"{key} is missing")
        return found

    def _text(self, contract: Mapping[str, object], key: str, title: str) -> str:
        value = contract.get(key)
        if not isinstance(value, str) or not value:
            raise self._error(title, f"{key} is missing, or is no text")
        return value

    def _error(self, title: str, message: str) -> UsageError:
        return UsageError(printable(f"{self._options.source}: {title}: {message}"))


def _texts(options: Options, table: Mapping[str, object], key: str, where: str) -> tuple[str, ...]:
    """Return the lines of a value, or the items of a list."""
    value = table.get(key, ())
    items: Iterable[object] = value.split("\n") if isinstance(value, str) else ()
    if isinstance(value, list):
        items = value
    elif value and not isinstance(value, str):
        items = [value]
    found = []
    for item in items:
        if not isinstance(item, str):
            raise UsageError(printable(f"{options.source}: {where}: {key} is no list of texts"))
        if item.strip():
            found.append(item.strip())
    return tuple(found)


def _layer(said: str) -> _Layer:
    sign = next((sign for sign in "|:" if sign in said), None)
    names = said.split(sign) if sign else [said]
    found = []
    for name in map(str.strip, names):
        optional = name.startswith("(") and name.endswith(")")
        found.append((name[1:-1].strip() if optional else name, optional))
    return _Layer(tuple(found), sign != ":")


def _truth(value: object) -> bool:
    return str(value).strip().lower() == "true"
