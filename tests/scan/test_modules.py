"""Files → names: packages, namespace packages, clashes, source roots, names nobody can import."""

from __future__ import annotations

import pytest

from lane_planner.scan.modules import ModuleTable, name_modules


def names(table: ModuleTable) -> dict[str, str]:
    return {name: module.path for name, module in table.by_name.items()}


def test_packages_modules_and_namespace_packages() -> None:
    table = name_modules(["a/__init__.py", "a/b.py", "n/c.py", "n/m/d.py", "top.py"])
    assert names(table) == {
        "a": "a/__init__.py",
        "a.b": "a/b.py",
        "n": "n",
        "n.c": "n/c.py",
        "n.m": "n/m",
        "n.m.d": "n/m/d.py",
        "top": "top.py",
    }
    assert {n for n, m in table.by_name.items() if m.namespace} == {"n", "n.m"}
    assert {n for n, m in table.by_name.items() if m.package} == {"a", "n", "n.m"}
    assert table.tops == {"a", "n", "top"}


def test_a_directory_of_directories_only_is_a_namespace_package() -> None:
    table = name_modules(["a/b/c/d.py"])
    assert set(table.by_name) == {"a", "a.b", "a.b.c", "a.b.c.d"}


@pytest.mark.parametrize(
    "path",
    ["a/x-y.py", "a/x.original.py", "a-b/c.py", "a/ b.py", "a/1.py", "a/class.py", "x.py/c.py"],
)
def test_what_no_import_statement_can_name_keeps_its_path(path: str) -> None:
    module = name_modules([path, "a/__init__.py"]).by_path[path]
    assert (module.name, module.importable) == (path, False)


def test_the_package_wins_over_the_module_of_its_name() -> None:
    table = name_modules(["a/b.py", "a/b/__init__.py", "a/b/c.py"])
    assert table.by_name["a.b"].path == "a/b/__init__.py"
    assert table.by_name["a.b.c"].path == "a/b/c.py"
    loser = table.by_path["a/b.py"]
    assert (loser.importable, loser.shadowed_by) == (False, "a/b/__init__.py")


def test_a_module_wins_over_the_directory_without_init() -> None:
    table = name_modules(["a/b.py", "a/b/c.py"])
    assert table.by_name["a.b"].path == "a/b.py"
    hidden = table.by_path["a/b/c.py"]
    assert (hidden.importable, hidden.shadowed_by) == (False, "a/b.py")


def test_compiled_and_stub_modules_exist() -> None:
    table = name_modules(["a/x.cpython-311-x86_64-linux-gnu.so", "a/y.pyd", "a/z.pyi", "a/w.pyx"])
    assert {"a.x", "a.y", "a.z", "a.w"} <= set(table.by_name)


def test_a_stub_beside_its_module_is_no_rival() -> None:
    table = name_modules(["a/x.py", "a/x.pyi", "a/x.pyx", "a/x.so"])
    assert table.by_name["a.x"].path == "a/x.py"
    assert all(module.shadowed_by is None for module in table.by_name.values())


def test_names_start_from_the_longest_source_root() -> None:
    table = name_modules(["src/a/b.py", "src/deep/c.py", "d.py"], ["src", ".", "src/deep"])
    assert {"a.b", "c", "d"} <= set(table.by_name)
    assert table.tops == {"a", "c", "d"}


def test_two_source_roots_with_one_name_clash_and_the_first_wins() -> None:
    table = name_modules(["one/a.py", "two/a.py"], ["two", "one"])
    assert table.by_name["a"].path == "two/a.py"
    assert table.by_path["one/a.py"].shadowed_by == "two/a.py"


def test_the_first_name_of_an_empty_lane_is_first_party() -> None:
    assert name_modules(["a.py"], ["."], ["core", "src/pkg/deep"]).tops == {"a", "core", "src"}


def test_relative_imports_start_from_the_directory_even_where_nobody_can_import() -> None:
    table = name_modules(["a/x-y.py", "a/__init__.py", "a/b.py"])
    assert table.by_path["a/x-y.py"].home == "a"
    assert table.by_name["a"].home == "a"
    assert table.by_name["a.b"].home == "a"


def test_the_order_of_the_files_does_not_matter() -> None:
    paths = ["a/b.py", "a/b/__init__.py", "n/c.py", "x-y.py", "a/__init__.py"]
    assert names(name_modules(paths)) == names(name_modules(paths[::-1]))
