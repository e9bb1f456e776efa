"""Finding the configuration and reading it from disk."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lane_planner.base.errors import UsageError
from lane_planner.config.load import find_root, load_settings

LANES = '[lanes.a]\npaths = ["a"]\n'
PROJECT = f"[tool.lane_planner.{LANES.removeprefix('[')}"


def write(directory: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = directory / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "start", "root", "config"),
    [
        pytest.param({"lanes.toml": ""}, ".", ".", "lanes.toml", id="here"),
        pytest.param({"lanes.toml": "", "a/b/c": ""}, "a/b", ".", "lanes.toml", id="above"),
        pytest.param(
            {"lanes.toml": "", "a/lanes.toml": ""}, "a", "a", "a/lanes.toml", id="nearest"
        ),
        pytest.param({"pyproject.toml": PROJECT}, ".", ".", "pyproject.toml", id="project"),
        pytest.param(
            {"lanes.toml": "", "a/pyproject.toml": "# lane_planner\n[tool.x]\n"},
            "a",
            ".",
            "lanes.toml",
            id="a project without the table is passed by",
        ),
        pytest.param(
            {"lanes.toml": "", "pyproject.toml": "lane_planner ="},
            ".",
            ".",
            "lanes.toml",
            id="a broken project file without the table does not matter",
        ),
        pytest.param(
            {"pyproject.toml": "[tool.lane_planner]\n?"},
            ".",
            ".",
            "pyproject.toml",
            id="a broken project file with the table is found, for loading to tell",
        ),
    ],
)
def test_nearest_configuration(
    tmp_path: Path, files: dict[str, str], start: str, root: str, config: str
) -> None:
    write(tmp_path, files)
    assert find_root(tmp_path / start) == (
        (tmp_path / root).resolve(),
        tmp_path.resolve() / config,
    )


@pytest.mark.parametrize(
    ("root", "config", "found_root", "found_config"),
    [
        pytest.param("r", None, "r", "r/lanes.toml", id="root alone"),
        pytest.param("r", "ci/strict.toml", "r", "ci/strict.toml", id="root and file"),
        pytest.param(None, "r/lanes.toml", "r", "r/lanes.toml", id="file of a usual name"),
        pytest.param(None, "ci/strict.toml", ".", "ci/strict.toml", id="file of another name"),
        pytest.param(None, "no/such.toml", ".", "no/such.toml", id="missing: loading tells"),
    ],
)
def test_choices_of_the_user(
    tmp_path: Path, root: str | None, config: str | None, found_root: str, found_config: str
) -> None:
    write(tmp_path, {"lanes.toml": "", "r/lanes.toml": "", "ci/strict.toml": ""})
    chosen = find_root(tmp_path, Path(root) if root else None, Path(config) if config else None)
    assert chosen == ((tmp_path / found_root).resolve(), tmp_path.resolve() / found_config)


def test_a_link_to_the_file_keeps_its_place(tmp_path: Path) -> None:
    write(tmp_path, {"shared/strict.toml": "", "r/x": ""})
    (tmp_path / "r/lanes.toml").symlink_to(tmp_path / "shared/strict.toml")
    root, file = find_root(tmp_path, None, Path("r/lanes.toml"))
    assert (root.name, file.name) == ("r", "lanes.toml")


def test_a_file_of_another_name_where_nothing_is_configured(tmp_path: Path) -> None:
    write(tmp_path, {"ci/strict.toml": ""})
    assert find_root(tmp_path, None, Path("ci/strict.toml"))[0] == tmp_path.resolve()


def test_nothing_configured(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        find_root(tmp_path)
    assert caught.value.message == (
        f"no lanes.toml or [tool.lane_planner] in {tmp_path.resolve()} or any directory above it, "
        "run `lane-planner init`"
    )


def test_a_chosen_root_is_not_left(tmp_path: Path) -> None:
    write(tmp_path, {"lanes.toml": "", "r/x": ""})
    with pytest.raises(UsageError, match="lane-planner init") as caught:
        find_root(tmp_path, Path("r"))
    assert "above" not in caught.value.message
    with pytest.raises(UsageError, match="is not a directory"):
        find_root(tmp_path, Path("r/x"))


@pytest.mark.parametrize(
    "project", [PROJECT, "[tool.lane_planner]\n?", "[[tool.lane_planner.gates]]"]
)
def test_two_configurations_in_one_directory(tmp_path: Path, project: str) -> None:
    write(tmp_path, {"lanes.toml": "", "pyproject.toml": project})
    with pytest.raises(UsageError, match="has both"):
        find_root(tmp_path)
    assert find_root(tmp_path, None, Path("lanes.toml"))[1].name == "lanes.toml"


@pytest.mark.parametrize("name", ["lanes.toml", "pyproject.toml", "strict.toml"])
def test_load(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    text = PROJECT if name == "pyproject.toml" else LANES
    file.write_text(f"\ufeff{text}".replace("\n", "\r\n"), encoding="utf-8", newline="")
    settings = load_settings(tmp_path, file)
    assert settings.lanes[0].paths == ("a",)
    assert (settings.root, settings.source) == (tmp_path, file)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("lanes.toml", b"# a\n\n# \xe9", ":3: not UTF-8, save it in UTF-8"),
        ("lanes.toml", None, " cannot be read, No such file or directory"),
        (
            "pyproject.toml",
            b"\n[tool.x]\n",
            ":2: no [tool.lane_planner] table, run `lane-planner init`",
        ),
        (
            "pyproject.toml",
            b"[tool.lane_planner]\nlane = 1",
            ":2: unknown key tool.lane_planner.lane",
        ),
    ],
)
def test_unreadable(tmp_path: Path, name: str, data: bytes | None, message: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(UsageError) as caught:
        load_settings(tmp_path, tmp_path / name)
    assert caught.value.message.startswith(f"{tmp_path / name}{message}")


def test_a_directory_in_place_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "lanes.toml").mkdir()
    with pytest.raises(UsageError, match="cannot be read"):
        load_settings(tmp_path, tmp_path / "lanes.toml")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_project_file_that_may_not_be_read(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text(PROJECT, encoding="utf-8")
    project.chmod(0)
    with pytest.raises(UsageError, match="Permission denied"):
        find_root(tmp_path)
