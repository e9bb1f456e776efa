"""What shims hold: Python that keeps the old name of a moved module working.

An alias puts the new module in the place of its own (`sys.modules`), so that both names are one
module. For a package that is not enough: the import system would look for `old.part` in the new
package's directory and load it a second time, as another module. So the alias of a package also
says that what is in the package by its old name stands beside the alias.

A re-export of a package warns when something is looked up in it, not when it is imported: modules
that stay in the package are imported through it too, and they have done nothing wrong.
"""

from __future__ import annotations

import msgspec

from lane_planner.scan.shims import Shim, ShimKind

_ALIAS = '''\
# ruff: noqa
"""The old name of {new}: importing it gives that very module."""

from __future__ import annotations

import importlib
{imports}import sys
import warnings
{typing}
warnings.warn("{old} is now {new}", DeprecationWarning, stacklevel=2)
if TYPE_CHECKING:
    from {new} import *
'''
_REEXPORT = '''\
# ruff: noqa
"""The old name of {new}: every name is looked up in that module."""

from __future__ import annotations

import importlib
{imports}import warnings
from typing import TYPE_CHECKING, Any

{warning}if TYPE_CHECKING:
    from {new} import *
'''
_WARNING = 'warnings.warn("{old} is now {new}", DeprecationWarning, stacklevel=2)\n'
_RUN = """\
if __name__ == "__main__":
    runpy.run_module("{new}", run_name="__main__", alter_sys=True)
else:
    {become}
"""
_BECOME = 'sys.modules[__name__] = importlib.import_module("{new}")'
_LOOK_UP = '''

def __getattr__(name: str) -> Any:
    """Return what the new module calls so now."""
    module = importlib.import_module("{new}")
    if name == "__all__" and not hasattr(module, name):
        return [public for public in dir(module) if not public.startswith("_")]
    try:
        {found} getattr(module, name)
    except AttributeError:
        raise AttributeError(f"module {{__name__!r}} has no attribute {{name!r}}") from None
{then}

def __dir__() -> list[str]:
    """Return the names of the new module."""
    return dir(importlib.import_module("{new}"))
'''
_SAY_AND_RETURN = """\
    if not name.startswith("__"):
        warnings.warn("{old} is now {new}", DeprecationWarning, stacklevel=2)
    return found
"""
_BESIDE = '''

class _Beside:
    """Finds what is in {old} beside this file, and not a second time in {new}."""

    where = list(__path__)

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> Any:
        """Return the spec of a module in {old}."""
        if name.rpartition(".")[0] != "{old}":
            return None
        found = importlib.machinery.PathFinder.find_spec(name, cls.where)
        if found is None:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
        return found


sys.meta_path.insert(0, _Beside)
{become}
'''


class Shims(msgspec.Struct, frozen=True):
    """That a promotion is to leave shims, and which.

    Attributes:
        kind: what they do.
        made: the day of the commit that is promoted from, "YYYY-MM-DD".
        expires: their last day; None: none.
    """

    kind: ShimKind
    made: str
    expires: str | None = None

    def of(self, old: str, new: str) -> Shim:
        """Return the shim of a module.

        Args:
            old: its name before the move.
            new: and after it.
        """
        return Shim(old, new, self.kind, self.made, self.expires)


def shim_content(shim: Shim, *, package: bool) -> bytes:
    """Return what a shim's file holds.

    Args:
        shim: names in ASCII, its kind and dates.
        package: whether the file is the `__init__.py` of a package: it is never run as a program.
    """
    names = {"old": shim.old, "new": shim.new}
    become = _BECOME.format(**names)
    if shim.kind == "alias" and package:
        head = _ALIAS.format(
            imports="import importlib.machinery\n",
            typing="from typing import TYPE_CHECKING, Any\n", **names,
        )  # fmt: skip
        body = _BESIDE.format(become=become, **names)
    elif shim.kind == "alias":
        typing = "from typing import TYPE_CHECKING\n"
        head = _ALIAS.format(imports="import runpy\n", typing=typing, **names)
        body = _RUN.format(become=become, **names)
    elif package:
        load = 'importlib.import_module("{new}")\n'.format(**names)
        say = _SAY_AND_RETURN.format(**names)
        head = _REEXPORT.format(imports="", warning="", **names)
        body = load + _LOOK_UP.format(found="found =", then=say, **names)
    else:
        load = 'importlib.import_module("{new}")'.format(**names)
        warning = _WARNING.format(**names)
        head = _REEXPORT.format(imports="import runpy\n", warning=warning, **names)
        look_up = _LOOK_UP.format(found="return", then="", **names)
        body = _RUN.format(become=load, **names) + look_up
    return f"{shim.header}{head}{body}".encode("ascii")
