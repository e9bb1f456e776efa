"""`promote --shim`, `apply --shim` and `shims`: what they leave, list and take away."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from lane_planner.promotion.made_init import MADE_INIT
from lane_planner.promotion.shims import shim_content
from lane_planner.scan.shims import Shim
from tests.cli.shop import CONFIG, Ran, commit, run, shop, state
from tests.executor.repositories import git

DAY = "2024-01-02"  # of the first commit of every repository here


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The repository, to be worked in."""
    return shop(tmp_path / "repo")


def merged(root: Path, ran: Ran) -> Ran:
    """Check out the branch that a command has made."""
    assert ran.code == 0, ran.out + ran.err
    branches = git(root, "branch", "--format=%(refname:short)", "--sort=-committerdate").decode()
    made = [b for b in branches.split() if b.startswith(("promote/", "shims/"))]
    assert len(made) == 1, made
    git(root, "checkout", "--quiet", "-B", "main", made[0])
    git(root, "branch", "-D", made[0])
    return ran


def python(root: Path, program: str) -> str:
    """Run a program in a repository and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=root, capture_output=True, text=True,
        timeout=30, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def shims_of(root: Path, *arguments: str, code: int = 0) -> dict[str, dict[str, object]]:
    """Return the shims that the tool lists, by old name."""
    ran = run(root, "shims", "--format", "json", "--today", "2024-03-01", *arguments)
    assert ran.code == code, ran.out + ran.err
    return {shim["old"]: shim for shim in ran.json["shims"]}


@pytest.mark.parametrize("kind", ["alias", "reexport"])
def test_promote_leaves_shims_and_goes_on(root: Path, kind: str) -> None:
    before = state(root)
    dry = run(root, "promote", "candidate.pkg", "core", "--shim", kind)
    assert dry.code == 0
    assert f"+# kind: {kind}; made: {DAY}; expires: never\n" in dry.out
    assert "3 files moved, 1 file rewritten, 2 shims left\n" in dry.out
    assert state(root) == before
    merged(root, run(root, "promote", "candidate.pkg", "core", "--shim", kind, "--apply"))
    # With a shim at the old path git would not see the rename: it is a commit of its own.
    body = git(root, "log", "-2", "--format=%B").decode()
    assert "promote(candidate→core): pkg (the move)\n\n3 files moved, 0 rewritten" in body
    assert "pkg (what follows it)\n\n0 files moved, 1 rewritten, 2 made, 0 deleted." in body
    said = python(root, "import candidate.pkg.part as p, candidate.pkg as q; print(p.PART, q.PART)")
    assert said == "2 2\n"
    found = shims_of(root)
    assert found["candidate.pkg"]["path"] == "candidate/pkg/__init__.py"
    assert [shim["new"] for shim in found.values()] == ["core.pkg", "core.pkg.part"]
    assert {shim["kind"] for shim in found.values()} == {kind}
    assert run(root, "check").out.splitlines()[-2].startswith("1 violation in 20 modules")
    plan = run(root, "plan", "--format", "json").json
    assert not any("candidate.pkg" in step["modules"] for step in plan["steps"])
    assert not any(blocked["module"].startswith("candidate.pkg") for blocked in plan["blocked"])
    assert run(root, "promote", "candidate.pkg", "core").error() == (
        "candidate.pkg holds no module to promote"
    )
    assert run(root, "promote", "candidate.pkg.part", "core").error() == (
        "candidate.pkg.part is a shim: promote core.pkg.part, which it stands for"
    )
    merged(root, run(root, "promote", "candidate.a", "core", "--shim", kind, "--apply"))
    assert list(shims_of(root)) == ["candidate.a", "candidate.pkg", "candidate.pkg.part"]


def test_evidence_and_document_know_of_shims(root: Path) -> None:
    ran = run(root, "promote", "candidate.a", "core", "--shim", "alias", "--apply",
              "--format", "json")  # fmt: skip
    as_json, as_markdown = (Path(path).read_text() for path in ran.json["evidence"])
    assert '"shims": [\n    "candidate/a.py"\n  ]' in as_json
    assert '"made": []' in as_json
    assert "1 file moved" in as_markdown
    assert "1 shim" in as_markdown
    assert "| shim |" in as_markdown
    assert "new file mode 100644" in ran.json["diff"]


def test_apply_leaves_shims(root: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    assert run(root, "plan", "--format", "json", "-o", str(plan)).code in (0, 1)
    ran = run(root, "apply", str(plan), "--shim", "alias", "--shim-expires", "2024-02-29")
    assert ran.code == 0, ran.out + ran.err
    branch = ran.out.partition("on branch ")[2].split()[0]
    git(root, "checkout", "--quiet", "-B", "main", branch)
    found = shims_of(root, code=1)
    assert {"candidate.a", "candidate.b", "candidate.pkg", "candidate.pkg.part"} <= found.keys()
    assert all(shim["expired"] for shim in found.values())
    # When that package moved, something was left in it.
    assert [n for n, s in found.items() if s["kind"] != "alias"] == ["candidate.deep"]
    assert python(root, "import candidate.b, core.b; print(candidate.b is core.b)") == "1\nTrue\n"
    again = run(root, "apply", str(plan), "--rebase-plan")  # shims do not look like what is to move
    assert again.error() == (
        "there is nothing to carry out: the steps of the plan have landed already"
    )


def test_the_list(root: Path) -> None:
    none = run(root, "shims")
    assert (none.code, none.out) == (0, "no shims\n")
    merged(root, run(root, "promote", "candidate.a", "core", "--shim", "alias", "--apply",
                     "--shim-expires", "2024-02-01"))  # fmt: skip
    (root / "tests/test_old.py").write_bytes(b"from candidate.a import VALUE\n")
    (root / "candidate/late.py").write_bytes(b"import candidate.a\n")
    commit(root)
    shim = shims_of(root, code=1)["candidate.a"]
    assert shim["mentioned"] == [{"path": "README.md", "line": 1}]
    assert shim["imported"] == [
        {"path": "candidate/late.py", "line": 1}, {"path": "tests/test_old.py", "line": 1}
    ]  # fmt: skip
    assert (shim["made"], shim["expires"], shim["expired"], shim["used"]) == (
        DAY, "2024-02-01", True, True
    )  # fmt: skip
    text = run(root, "shims", "--today", "2024-03-01")
    assert text.code == 1
    assert text.out == (
        "candidate.a → core.a (alias, made 2024-01-02, expired 2024-02-01)\n"
        "  imported by candidate/late.py:1, tests/test_old.py:1\n"
        "  named in README.md:1\n"
        "1 shim, 1 expired\n"
    )
    assert run(root, "shims", "--today", "2024-02-01").code == 0  # its last day
    # Who still imports the old name cannot follow: core may not import candidate.
    explained = run(root, "explain", "candidate.late", "--format", "json").json
    assert [cause["code"] for cause in explained["causes"]] == ["LP101"]


def test_expired_and_unused_shims_are_removed(root: Path) -> None:
    merged(root, run(root, "promote", "candidate.a", "core", "--shim", "alias", "--apply",
                     "--shim-expires", "2024-02-01"))  # fmt: skip
    merged(root, run(root, "promote", "candidate.pkg", "core", "--shim", "alias", "--apply"))
    (root / "tests/test_old.py").write_bytes(b"NAMES = ['candidate.pkg.part']\n")
    commit(root)
    before = state(root)
    dry = run(root, "shims", "--remove-unused", "--today", "2024-03-01")
    assert dry.code == 1  # one has expired, and is there
    assert "2 shims would go; nothing was changed; --apply does it\n" in dry.out
    assert "deleted file mode 100644\n--- a/candidate/a.py" in dry.out
    assert "candidate/pkg/part.py\n--- " not in dry.out
    assert state(root) == before
    ran = run(root, "shims", "--remove-unused", "--apply", "--today", "2024-03-01",
              "--format", "json")  # fmt: skip
    assert ran.json["remove"] == ["candidate/a.py", "candidate/pkg/__init__.py"]
    assert ran.json["success"] is True
    assert ran.json["branch"].startswith("shims/remove-")
    assert git(root, "status", "--porcelain") == b""
    assert git(root, "log", "-1", "--format=%s", ran.json["branch"]) == b"remove 2 shims\n"
    merged(root, ran)
    assert list(shims_of(root)) == ["candidate.pkg.part"]
    # What is left in the package can be imported still.
    assert (root / "candidate/pkg/__init__.py").read_bytes() == MADE_INIT
    assert python(root, "import candidate.pkg.part as p; print(p.PART)") == "2\n"
    (root / "tests/test_old.py").unlink()
    commit(root)
    last = run(root, "shims", "--remove-unused", "--apply")
    assert "1 shim removed on branch shims/remove-" in last.out
    merged(root, last)
    assert not (root / "candidate/pkg").exists()
    assert run(root, "shims", "--remove-unused", "--apply").out == "no shims\n"


def test_none_to_remove(root: Path) -> None:
    merged(root, run(root, "promote", "candidate.a", "core", "--shim", "alias", "--apply"))
    ran = run(root, "shims", "--remove-expired", "--apply")
    assert (ran.code, ran.out.splitlines()[-1]) == (0, "none is to go")


def test_a_failing_gate_keeps_the_shims(tmp_path: Path) -> None:
    gate = '\n[[gates]]\nname = "no"\nphase = "after"\ncommand = ["python", "-c", "import candidate.a"]\n'
    config = (shop(tmp_path / "plain") / "lanes.toml").read_text() + gate
    root = shop(tmp_path / "repo", {"lanes.toml": config.encode()})
    merged(root, run(root, "promote", "candidate.a", "core", "--shim", "alias", "--apply"))
    ran = run(root, "shims", "--remove-unused", "--apply")
    assert ran.code == 3
    assert "rolled back: gate no (after the move) failed" in ran.out
    assert git(root, "branch", "--list", "shims/*") == b""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("promote", "candidate.a", "core", "--shim-expires", "2025-01-01"),
         "--shim-expires says when shims expire: say which, with --shim"),
        (("promote", "candidate.a", "core", "--shim", "alias", "--shim-expires", "2024-01-01"),
         "shims made on 2024-01-02 cannot expire on 2024-01-01, before that"),
        (("promote", "core.base", "lukhas", "--shim", "alias"),
         "core may not import lukhas: a shim left there would be a violation"),
        (("shims", "--apply"), "--apply needs --remove-expired or --remove-unused"),
    ],
)  # fmt: skip
def test_bad_wishes(root: Path, arguments: tuple[str, ...], said: str) -> None:
    ran = run(root, *arguments)
    assert (ran.code, ran.error()) == (2, said)


def test_bad_options(root: Path) -> None:
    for more in (("--shim", "link"), ("--shim", "alias", "--shim-expires", "soon")):
        ran = run(root, "promote", "candidate.a", "core", *more)
        assert ran.code == 2
        assert "Invalid value for '--shim" in ran.err


def test_the_same_commit_gives_the_same_shims(tmp_path: Path) -> None:
    tips = []
    for name in ("one", "two"):
        root = shop(tmp_path / name)
        ran = run(root, "promote", "candidate.pkg", "core", "--shim", "alias", "--apply")
        merged(root, ran)
        tips.append(git(root, "rev-parse", "HEAD"))
    assert tips[0] == tips[1]


def test_a_module_moves_onto_a_shim(tmp_path: Path) -> None:
    shim = Shim("core.taken", "matriz.node", "alias", DAY, None)
    root = shop(tmp_path / "repo", {"core/taken.py": shim_content(shim, package=False)})
    assert run(root, "explain", "candidate.taken", "--format", "json").json["causes"] == []
    steps = run(root, "plan", "--format", "json").json["steps"]
    assert ["candidate.taken"] in [step["modules"] for step in steps]
    merged(root, run(root, "promote", "candidate.taken", "core", "--shim", "alias", "--apply"))
    assert (root / "core/taken.py").read_bytes() == b"NEW = 1\n"
    assert list(shims_of(root)) == ["candidate.taken"]


def test_a_shim_follows_its_module_to_the_next_lane(tmp_path: Path) -> None:
    config = CONFIG.replace(
        'imports = ["core", "matriz"]', 'imports = ["core", "lukhas", "matriz"]'
    )
    config = config.replace('imports = ["matriz"]', 'imports = ["lukhas", "matriz"]')
    root = shop(tmp_path / "repo", {"lanes.toml": config.encode()})
    for name, lane in (("candidate.a", "core"), ("core.a", "lukhas")):
        merged(root, run(root, "promote", name, lane, "--shim", "alias", "--apply"))
    found = {old: shim["new"] for old, shim in shims_of(root).items()}
    assert found == {"candidate.a": "lukhas.a", "core.a": "lukhas.a"}
    assert python(root, "import candidate.a, core.a; print(candidate.a is core.a)") == "True\n"
    plan = run(root, "plan", "--from", "candidate", "--to", "lukhas", "--format", "json").json
    assert not {"candidate.a", "core.a"} & {n for step in plan["steps"] for n in step["modules"]}
