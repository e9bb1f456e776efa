"""What goes along with modules: stubs, built files and the tests that are laid out like them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from lane_planner.config.settings import Lane, Settings
from lane_planner.promotion.compose import compose
from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.naming import Refused
from lane_planner.promotion.shims import Shims
from lane_planner.promotion.values import FileMove
from tests.promotion.trees import (
    CANDIDATE,
    CORE,
    mentions_of,
    moves_of,
    promoted,
    settings_of,
    tree,
    workspace_of,
)

ENGINE = "candidate/feature/engine.py"
HELPER = "candidate/feature/helper.py"
STUB = "candidate/feature/engine.pyi"
MIRROR = "tests/unit/candidate"
TEST = f"{MIRROR}/feature/test_engine.py"
TO = "tests/unit/core/feature/test_engine.py"

BASE = {
    "candidate/__init__.py": "",
    "candidate/feature/__init__.py": "",
    ENGINE: "def run(): ...\n",
    HELPER: "",
    "core/__init__.py": "",
}
PACKAGE = [path for path in BASE if path.startswith("candidate/feature/")]


def mirrored(files: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    """Return the lane with files of its mirror, `TEST` among them."""
    return {**BASE, TEST: "from candidate.feature import engine\n", **files}


def kept(files: Mapping[str, str | bytes], *moving: str) -> str:
    """Promote, make sure that `TEST` stays, and return the note that says why."""
    after, [promotion] = promoted(mirrored(files), moving or [ENGINE])
    assert TEST in after
    assert TO not in after or TO in files
    assert b"core.feature" in after[TEST]
    [note] = [note for note in promotion.notes if note.startswith(f"{TEST} stays")]
    return note.removeprefix(f"{TEST} stays: ")


# Stubs.


def test_a_stub_s_imports_follow() -> None:
    after, [promotion] = promoted(
        BASE
        | {
            STUB: "from . import helper\nfrom .helper import H\nfrom ..feature import engine\n"
            "from candidate.feature.engine import R\nimport candidate.feature.engine as e\n"
            "def run(x: R) -> helper.H: ...  # kept\n",
        },
        [ENGINE],
    )
    assert after["core/feature/engine.pyi"].decode() == (
        "from candidate.feature import helper\nfrom candidate.feature.helper import H\n"
        "from ..feature import engine\n"
        "from core.feature.engine import R\nimport core.feature.engine as e\n"
        "def run(x: R) -> helper.H: ...  # kept\n"
    )
    assert STUB not in after
    assert promotion.modules == ("candidate.feature.engine",)
    assert promotion.renamed == (("candidate.feature.engine", "core.feature.engine"),)
    assert promotion.along == (FileMove(STUB, "core/feature/engine.pyi"),)


def test_stubs_of_other_modules_follow() -> None:
    files = BASE | {
        "candidate/feature/helper.pyi": "from .engine import run\n",
        "user.py": "",
        "user.pyi": "import candidate.feature.engine\ny: candidate.feature.engine.R\n",
        "native.pyi": "from candidate.feature import helper, engine\n",
    }
    after, _ = promoted(files, [ENGINE])
    assert after["candidate/feature/helper.pyi"] == (b"from core.feature.engine import run\n")
    assert after["user.pyi"] == b"import core.feature.engine\ny: core.feature.engine.R\n"
    assert after["native.pyi"] == (
        b"from candidate.feature import helper\nfrom core.feature import engine\n"
    )


def test_what_nobody_can_import_by_name_goes_along_too() -> None:
    files = {"tests/unit-slow/candidate/feature/test_engine.py": "from candidate import feature\n"}
    after, [promotion] = promoted(mirrored(files), [ENGINE])
    assert "tests/unit-slow/core/feature/test_engine.py" in after
    assert promotion.modules == ("candidate.feature.engine",)


def test_a_package_s_stub_follows_too() -> None:
    after, _ = promoted(
        BASE | {"candidate/feature/__init__.pyi": "from .engine import run\nfrom . import gone\n"},
        PACKAGE,
    )
    assert after["core/feature/__init__.pyi"] == b"from .engine import run\nfrom . import gone\n"
    after, _ = promoted(
        BASE | {"candidate/feature/__init__.pyi": "from .engine import run\n"}, [ENGINE]
    )
    assert after["candidate/feature/__init__.pyi"] == b"from core.feature.engine import run\n"


def test_a_stub_is_followed_over_several_steps() -> None:
    files = BASE | {
        STUB: "from . import helper\n",
        "candidate/feature/helper.pyi": "from .engine import run\n",
    }
    after, _ = promoted(files, [ENGINE], [HELPER])
    assert after["core/feature/engine.pyi"] == b"from core.feature import helper\n"
    assert after["core/feature/helper.pyi"] == b"from core.feature.engine import run\n"


def test_a_stub_that_cannot_follow_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        promoted(
            BASE | {"user.pyi": "import candidate.feature.engine; candidate.x\n", "user.py": ""},
            [ENGINE],
        )
    assert refused.value.path == "user.pyi"


def test_a_stub_gets_no_shim_and_says_nothing_of_what_runs() -> None:
    files = tree(BASE | {STUB: ""})
    composed = compose(
        workspace_of(files), CANDIDATE, CORE, moves_of([ENGINE]), mentions_of(files),
        name="engine", shims=Shims("alias", "2024-01-02"),
    )  # fmt: skip
    promotion = composed.promotion
    assert [w.path for w in promotion.writes if w.reason == "shim"] == [ENGINE]
    assert FileMove(STUB, "core/feature/engine.pyi") in promotion.moves
    assert not any(".pyi" in note for note in promotion.notes)


# Built files.


def test_built_files_go_along_with_their_source() -> None:
    built = ["engine.so", "engine.pyd", "engine.cpython-311-x86_64-linux-gnu.so"]
    other = "candidate/feature/engineering.so"
    files = BASE | {f"candidate/feature/{name}": b"\0" for name in built} | {other: b"\0"}
    after, [promotion] = promoted(files, [ENGINE])
    assert all(f"core/feature/{name}" in after for name in built)
    assert other in after
    assert len(promotion.moves) == 1 + len(built)


def test_a_built_file_goes_with_the_module_that_it_is_of() -> None:
    files: dict[str, str | bytes] = {
        "candidate/a.py": "",
        "candidate/a.b.py": "",
        "candidate/a.so": b"\0",
    }
    after, _ = promoted(files, ["candidate/a.b.py"])
    assert "candidate/a.so" in after
    after, _ = promoted(files, ["candidate/a.py"])
    assert "core/a.so" in after


# Names that differ in case.


@pytest.mark.parametrize(
    ("paths", "said"),
    [
        (("candidate/a.py", "candidate/A.py"), ("core/A.py", "core/a.py")),
        (("candidate/p/a.py", "candidate/P/b.py"), ("core/P/b.py", "core/p/a.py")),
    ],
)
def test_destinations_of_one_step_that_differ_only_in_case_are_refused(
    paths: tuple[str, ...], said: tuple[str, ...]
) -> None:
    with pytest.raises(Refused, match="only in case") as refused:
        promoted(dict.fromkeys(paths, ""), list(paths))
    assert all(path in str(refused.value) for path in said)


# Mirrored tests.


def test_a_test_that_is_laid_out_like_a_module_moves_along() -> None:
    other = f"{MIRROR}/feature/engine_test.py"
    helper = f"{MIRROR}/feature/test_helper.py"
    variant = f"{MIRROR}/feature/test_engine_slow.py"
    after, [promotion] = promoted(
        mirrored(
            {
                TEST: "from unittest.mock import patch\nfrom candidate.feature import engine\n"
                "patch('candidate.feature.engine.run')\n",
                other: "",
                helper: "from tests.unit.candidate.feature import test_engine\n",
                variant: "",
                "tests/integration/candidate/feature/test_engine.py": "",
                "ci.yaml": f"run: {TEST}\n",
            }
        ),
        [ENGINE],
    )
    assert after[TO] == (
        b"from unittest.mock import patch\nfrom core.feature import engine\n"
        b"patch('core.feature.engine.run')\n"
    )
    assert "tests/unit/core/feature/engine_test.py" in after
    assert "tests/integration/core/feature/test_engine.py" in after
    assert after[helper] == b"from tests.unit.core.feature import test_engine\n"
    assert variant in after
    assert {TEST, other}.isdisjoint(after)
    assert promotion.modules == ("candidate.feature.engine",)
    assert FileMove(TEST, TO) in promotion.along
    assert [(e.path, e.text) for e in promotion.ledger] == [("ci.yaml", TEST)]
    assert not any("laid out" in note or "stays" in note for note in promotion.notes)


def test_relative_imports_of_a_moved_test_follow() -> None:
    inits = [f"{up}/__init__.py" for up in ("tests", "tests/unit", MIRROR, f"{MIRROR}/feature")]
    files = mirrored(
        dict.fromkeys(inits, "")
        | {
            TEST: "from . import tools\nfrom ....support import x\n",
            f"{MIRROR}/feature/tools.py": "",
            "tests/support.py": "",
        }
    )
    after, _ = promoted(files, [ENGINE])
    assert after[TO] == (
        b"from tests.unit.candidate.feature import tools\nfrom ....support import x\n"
    )
    assert after["tests/unit/core/__init__.py"] == MADE_INIT
    assert after["tests/unit/core/feature/__init__.py"] == MADE_INIT


def test_the_rest_goes_along_with_a_whole_package() -> None:
    rest = {
        f"{MIRROR}/feature/__init__.py": "",
        f"{MIRROR}/feature/conftest.py": "import pytest\n",
        f"{MIRROR}/feature/test_all.py": "from . import tools\n",
        f"{MIRROR}/feature/tools.py": "",
        f"{MIRROR}/feature/data/golden.json": "{}",
    }
    after, _ = promoted(mirrored(rest | {f"{MIRROR}/test_other.py": ""}), PACKAGE)
    assert all(path.replace("candidate", "core") in after for path in (TEST, *rest))
    assert not any(path.startswith(f"{MIRROR}/feature/") for path in after)
    assert f"{MIRROR}/test_other.py" in after


def test_made_packages_of_tests_give_way_to_the_real_ones() -> None:
    files = mirrored(
        {
            f"{MIRROR}/__init__.py": "",
            f"{MIRROR}/feature/__init__.py": "NAME = 1\n",
            f"{MIRROR}/feature/test_helper.py": "",
            f"{MIRROR}/test_other.py": "",
            "candidate/other.py": "",
        }
    )
    after, _ = promoted(files, [ENGINE])
    assert after["tests/unit/core/feature/__init__.py"] == MADE_INIT
    after, _ = promoted(files, [ENGINE], [HELPER])
    assert after["tests/unit/core/feature/__init__.py"] == b"NAME = 1\n"
    assert f"{MIRROR}/feature/__init__.py" not in after
    assert after["tests/unit/core/__init__.py"] == MADE_INIT
    after, _ = promoted(files, [ENGINE], [HELPER], ["candidate/other.py"])
    assert after["tests/unit/core/__init__.py"] == b""
    assert not any(path.startswith(MIRROR) for path in after)


def test_a_conftest_goes_along_when_nothing_else_stays() -> None:
    conftest = f"{MIRROR}/feature/conftest.py"
    after, _ = promoted(mirrored({conftest: "import pytest\n"}), [ENGINE])
    assert "tests/unit/core/feature/conftest.py" in after
    assert conftest not in after


def test_a_test_does_not_leave_its_fixtures() -> None:
    conftest = f"{MIRROR}/feature/conftest.py"
    files = {conftest: "import pytest\n", f"{MIRROR}/feature/test_helper.py": ""}
    assert kept(files) == f"it would leave the fixtures of {conftest}"
    assert kept({f"{MIRROR}/conftest.py": "X = 1\n", f"{MIRROR}/test_b.py": ""}, *PACKAGE) == (
        f"it would leave the fixtures of {MIRROR}/conftest.py"
    )


def test_fixtures_of_nothing_and_those_above_the_mirror_keep_nobody() -> None:
    files = {
        f"{MIRROR}/conftest.py": '"""Nothing yet."""\n',
        f"{MIRROR}/test_other.py": "",
        "tests/conftest.py": "import pytest\n",
    }
    after, [promotion] = promoted(mirrored(files), [ENGINE])
    assert TO in after
    assert not any("conftest" in note for note in promotion.notes)


def test_what_shares_a_directory_with_a_test_that_stays_stays() -> None:
    rest = {
        f"{MIRROR}/feature/conftest.py": "import pytest\n",
        f"{MIRROR}/feature/test_helper.py": "",
        "tests/unit/core/feature/test_helper.py": "",
    }
    note = kept(rest, *PACKAGE)
    assert note == f"it would leave the fixtures of {MIRROR}/feature/conftest.py"


def test_a_place_that_is_taken_is_not_taken_again() -> None:
    assert kept({TO: ""}) == f"{TO} is there already"


def test_a_test_does_not_leave_what_it_needs() -> None:
    feature = f"{MIRROR}/feature"
    needing = "from candidate.feature import engine\n"
    data = {f"{feature}/golden.json": "", TEST: f"{needing}open('golden.json')\n"}
    assert kept(data) == f"it needs {feature}/golden.json, which stays"
    tools = {f"{feature}/tools.py": "", TEST: f"{needing}import tools\n"}
    assert kept(tools) == f"it needs {feature}/tools.py, which stays"
    relative = {
        f"{feature}/__init__.py": "",
        f"{feature}/tools.py": "",
        TEST: f"{needing}from .tools import x\n",
    }
    assert kept(relative) == f"it needs {feature}/tools.py, which stays"
    directory = {
        f"{feature}/data/a.json": "",
        TEST: f"{needing}__file__, 'data/a.json'\n",
    }
    assert kept(directory) == f"it needs {feature}/data, which stays"


def test_no_second_test_of_one_name_outside_of_packages() -> None:
    files = {
        f"{MIRROR}/feature/__init__.py": "",
        "tests/unit/core/feature/test_more.py": "",
        "tests/integration/test_engine.py": "",
    }
    assert kept(files) == (
        "pytest would refuse it beside tests/integration/test_engine.py, as neither would be in a "
        "package"
    )
    assert kept(files | {TEST: "from . import x\nfrom candidate.feature import engine\n"}) == (
        "it imports relatively, and tests/unit/core/feature has no __init__.py"
    )
    # It was there before: whoever runs these tests has a way to.
    del files[f"{MIRROR}/feature/__init__.py"]
    after, _ = promoted(mirrored(files), [ENGINE])
    assert TO in after


def test_fixtures_that_are_new_to_a_test_are_noted() -> None:
    _, [promotion] = promoted(
        mirrored({"tests/unit/core/conftest.py": "import pytest\n"}), [ENGINE]
    )
    assert f"{TO} comes under the fixtures of tests/unit/core/conftest.py" in promotion.notes
    files = {f"{MIRROR}/conftest.py": "import pytest\n", "tests/unit/core/test_x.py": ""}
    _, [promotion] = promoted(mirrored(files), [ENGINE])
    assert (
        "tests/unit/core/conftest.py brings its fixtures to tests/unit/core/test_x.py, which was "
        "there before" in promotion.notes
    )


def test_what_stands_in_the_way_of_a_test_only_does_not_keep_the_module() -> None:
    note = kept({"tests/unit/Core/x.py": ""})
    assert "only in case" in note


def test_a_refusal_of_the_module_itself_is_its_own() -> None:
    with pytest.raises(Refused) as refused:
        promoted(mirrored({"user.py": "import candidate.feature.engine; candidate.x\n"}), [ENGINE])
    assert refused.value.path == "user.py"


def _with(globs: tuple[str, ...]) -> Settings:
    return msgspec.structs.replace(settings_of(), mirrored_tests=globs)


def test_mirrors_are_configured() -> None:
    after, [promotion] = promoted(mirrored({}), [ENGINE], settings=_with(()))
    assert TEST in after
    assert promotion.along == ()
    spec = "spec/x-candidate/candidate/v1/feature/test_engine.py"
    after, _ = promoted(mirrored({spec: ""}), [ENGINE], settings=_with(("spec/*/{lane}/v?",)))
    assert "spec/x-candidate/core/v1/feature/test_engine.py" in after
    assert TEST in after


def test_a_lane_below_a_source_root_is_mirrored_by_either_path() -> None:
    lanes = (
        Lane("candidate", ("src/acme/candidate",), frozenset({"core"}), "core"),
        Lane("core", ("src/acme/core",)),
    )
    files = tree(
        {
            "src/acme/candidate/a.py": "",
            "tests/acme/candidate/test_a.py": "from acme.candidate import a\n",
            "tests/slow/src/acme/candidate/test_a.py": "",
        }
    )
    workspace = workspace_of(files, settings_of(source_roots=("src",), lanes=lanes))
    moves = [FileMove("src/acme/candidate/a.py", "src/acme/core/a.py")]
    promotion = compose(workspace, *lanes, moves, mentions_of(files), name="a").promotion
    assert [move.target for move in promotion.along] == [
        "tests/acme/core/test_a.py",
        "tests/slow/src/acme/core/test_a.py",
    ]


def test_tests_of_the_lane_itself_move_by_themselves() -> None:
    lanes = (
        Lane("candidate", ("candidate", "tests/candidate"), frozenset({"core"}), "core"),
        Lane("core", ("core",), frozenset({"candidate"})),
    )
    files = tree({"candidate/a.py": "", "tests/candidate/test_a.py": ""})
    workspace = workspace_of(files, settings_of(lanes=lanes))
    moves = [FileMove("candidate/a.py", "core/a.py")]
    promotion = compose(workspace, *lanes, moves, mentions_of(files), name="a").promotion
    assert promotion.along == ()


def test_pytest_collects_the_same_tests_before_and_after(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "candidate/p/engine.py": "VALUE = 1\n",
        "candidate/p/helper.py": "VALUE = 2\n",
        f"{MIRROR}/p/conftest.py": "import pytest\n@pytest.fixture\ndef one():\n    return 1\n",
        f"{MIRROR}/p/test_engine.py": "from candidate.p.engine import VALUE\n"
        "def test_it(one):\n    assert VALUE == one\n",
        f"{MIRROR}/p/test_helper.py": "from candidate.p import helper\nimport tools\n"
        "def test_it(one):\n    assert helper.VALUE == tools.TWO * one\n",
        f"{MIRROR}/p/tools.py": "TWO = 2\n",
        "tests/unit/core/other/test_other.py": "def test_it(): ...\n",
    }
    first, second = ["candidate/p/engine.py"], ["candidate/p/helper.py"]
    together, _ = promoted(files, first + second)
    parted, _ = promoted(files, first, second)
    assert any(path.startswith("tests/unit/core/p/") for path in together)
    for number, state in enumerate((tree(files), together, parted)):
        root = tmp_path / str(number)
        for path, content in state.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        (root / "conftest.py").write_bytes(b"import sys\nsys.path.insert(0, '.')\n")
        run = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests"],
            cwd=root, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert "3 passed" in run.stdout, run.stdout


# Prints what moves along where one path of a lane is in another one, so that two mirrors meet.
_TWO_MIRRORS = """
from lane_planner.config.settings import Lane
from lane_planner.promotion.compose import compose
from lane_planner.promotion.values import FileMove
from tests.promotion.trees import mentions_of, settings_of, tree, workspace_of

lanes = (
    Lane("candidate", ("candidate", "candidate/x"), frozenset({"core"}), "core"),
    Lane("core", ("core",), frozenset()),
)
tests = ("test_a.py", "__init__.py", "conftest.py", "data.txt")
files = tree(
    {"candidate/b.py": "", "candidate/x/a.py": ""}
    | {f"tests/candidate/x/{name}": "" for name in tests}
)
moves = [FileMove("candidate/x/a.py", "core/a.py")]
workspace = workspace_of(files, settings_of(lanes=lanes))
composed = compose(workspace, *lanes, moves, mentions_of(files), name="a")
print(*(move.target for move in composed.promotion.along))
"""


@pytest.mark.parametrize("seed", range(6))
def test_what_two_mirrors_take_goes_with_the_longest(seed: int) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", _TWO_MIRRORS],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout.split() == [
        "tests/core/__init__.py",
        "tests/core/conftest.py",
        "tests/core/x/data.txt",
        "tests/core/test_a.py",
    ]
