"""A gate is held to its time and its output, whatever it does."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest

from lane_planner.config.settings import Gate
from lane_planner.gates.command import OUTPUT_LIMIT, GateResult, gate_environment, run_gate


def gate(*command: str, timeout: float = 30.0) -> Gate:
    return Gate(name="unit", command=command, timeout=timeout)


def python(code: str, cwd: Path, timeout: float = 30.0) -> GateResult:
    return run_gate(gate(sys.executable, "-c", code, timeout=timeout), cwd, environment=os.environ)


def test_what_a_gate_is_told_and_tells(tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.getcwd(), repr(sys.stdin.read()), flush=True);"
        "print('err', file=sys.stderr, flush=True); print('out'); sys.exit(3)"
    )
    result = python(code, tmp_path)
    assert result.output == f"{tmp_path} ''\nerr\nout\n"
    assert (result.name, result.phase, result.exit_code) == ("unit", "after", 3)
    assert (result.passed, result.timed_out) == (False, False)
    assert python("", tmp_path).passed


def test_a_gate_that_dies_of_a_signal_fails(tmp_path: Path) -> None:
    result = python("import os; os.abort()", tmp_path)
    assert (result.exit_code, result.passed) == (-signal.SIGABRT, False)


@pytest.mark.parametrize(
    ("command", "exit_code", "output"),
    [
        (("no-such-program",), 127, "no program 'no-such-program' (on PATH"),
        (("./gone.sh",), 127, "no program './gone.sh'"),
        (("./plain.txt",), 126, "cannot run './plain.txt': Permission denied"),
        (("./garbage",), 126, "cannot run './garbage': Exec format error"),
        (("a\0b",), 126, "cannot run 'a\\x00b': embedded null byte"),
    ],
)
def test_a_program_that_cannot_be_run_is_a_failed_gate(
    tmp_path: Path, command: tuple[str, ...], exit_code: int, output: str
) -> None:
    (tmp_path / "plain.txt").write_text("x")
    (tmp_path / "garbage").write_bytes(b"\x00\x01")
    (tmp_path / "garbage").chmod(0o755)
    result = run_gate(gate(*command), tmp_path, environment=os.environ)
    assert (result.exit_code, result.passed) == (exit_code, False)
    assert result.output.startswith(output)


def test_a_directory_that_is_not_there_is_a_failed_gate(tmp_path: Path) -> None:
    result = run_gate(gate(sys.executable), tmp_path / "gone", environment=os.environ)
    assert (result.exit_code, result.passed) == (126, False)
    assert "there is no directory" in result.output


def test_a_program_is_found_on_the_gate_s_path(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    tool = tmp_path / "bin" / "mytool"
    tool.write_text("#!/bin/sh\necho mine\n")
    tool.chmod(0o755)
    found = run_gate(gate("mytool"), tmp_path, environment={"PATH": str(tool.parent)})
    assert found.output == "mine\n"


FORKS = """
import os, sys, time
for _ in range(3):
    if os.fork() == 0:
        os.write(1, b'%d\\n' % os.getpid())
        time.sleep(60)
{then}
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")  # a zombie is dead, whoever has yet to bury it
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def all_gone(pids: list[int]) -> bool:
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in pids):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def test_a_hanging_gate_is_ended_with_all_it_forked(tmp_path: Path) -> None:
    result = python(FORKS.format(then="time.sleep(60)"), tmp_path, timeout=1.0)
    assert (result.timed_out, result.passed, result.exit_code) == (True, False, -signal.SIGKILL)
    assert 1.0 <= result.seconds < 5
    lines = result.output.split("\n")
    assert "killed: it did not end within 1 s" in lines
    pids = [int(line) for line in lines if line.isdigit()]
    assert len(pids) == 3 and all_gone(pids)


def test_a_gate_that_ignores_polite_signals_is_ended(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    assert python(code, tmp_path, timeout=0.5).timed_out


def test_what_a_gate_leaves_running_does_not_keep_us(tmp_path: Path) -> None:
    started = time.monotonic()
    result = python(FORKS.format(then="time.sleep(0.3)"), tmp_path)
    assert result.passed and time.monotonic() - started < 5
    assert all_gone([int(line) for line in result.output.split()])


DAEMON = """
import os, sys, time
if os.fork() == 0:
    os.setsid()
    os.write(1, b'daemon %d\\n' % os.getpid())
    end = time.monotonic() + 8
    while time.monotonic() < end:
        {act}
    sys.exit()
time.sleep(0.3)
{then}
"""


@pytest.mark.parametrize("act", ["time.sleep(0.1)", "print('x' * 1000, flush=True)"])
@pytest.mark.parametrize(("then", "timed_out"), [("", False), ("time.sleep(60)", True)])
def test_a_daemon_that_holds_the_output_open_does_not_hang_us(
    tmp_path: Path, act: str, then: str, timed_out: bool
) -> None:
    started = time.monotonic()
    result = python(DAEMON.format(act=act, then=then), tmp_path, timeout=1.0)
    assert time.monotonic() - started < 4
    assert result.timed_out == timed_out
    pid = int(result.output.split()[1])
    if alive(pid):  # a silent one, in a session of its own
        os.kill(pid, signal.SIGKILL)


def test_a_gate_that_closes_its_output_is_still_waited_for(tmp_path: Path) -> None:
    code = "import os, time; os.close(1); os.close(2); time.sleep(0.5); os._exit(4)"
    result = python(code, tmp_path)
    assert (result.exit_code, result.seconds >= 0.5) == (4, True)
    hang = "import os, time; os.close(1); os.close(2); time.sleep(60)"
    assert python(hang, tmp_path, timeout=0.5).timed_out


def test_huge_output_is_cut_in_the_middle_and_never_held(tmp_path: Path) -> None:
    code = (
        "import sys; print('first');"
        "[sys.stdout.write('x' * 1_000_000) for _ in range(300)]; print('\\nlast')"
    )
    before = peak_kilobytes()
    result = python(code, tmp_path)
    assert peak_kilobytes() - before < 50_000
    assert result.passed
    assert result.output.startswith("first\nxxx") and result.output.endswith("xxx\nlast\n")
    assert "bytes left out" in result.output
    assert len(result.output.encode()) <= OUTPUT_LIMIT


def peak_kilobytes() -> int:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@pytest.mark.parametrize("size", [10, 7_000, 19_000, 19_900, 100_000])
def test_output_that_is_not_text_is_shown_and_bounded(tmp_path: Path, size: int) -> None:
    code = f"import sys; sys.stdout.buffer.write(b'\\xff' * {size})"
    output = python(code, tmp_path).output
    assert "\ufffd" in output
    assert len(output.encode()) <= OUTPUT_LIMIT


def test_output_just_within_the_limit_is_whole(tmp_path: Path) -> None:
    assert python("print('x' * 19_000)", tmp_path).output == "x" * 19_000 + "\n"


# Fails the first {fails} times, told by a file that it leaves behind.
FLAKY = """
import pathlib, sys, time
log = pathlib.Path("log")
log.write_text(log.read_text() + "x" if log.exists() else "x")
count = len(log.read_text())
print("attempt", count, flush=True)
time.sleep(0.1)
if count <= {fails}:
    {fail}
"""


def flaky(cwd: Path, *, fails: int, retries: int, fail: str = "sys.exit(7)") -> GateResult:
    code = FLAKY.format(fails=fails, fail=fail)
    tried = Gate("unit", (sys.executable, "-c", code), timeout=2.0, retries=retries)
    return run_gate(tried, cwd, environment=os.environ)


@pytest.mark.parametrize(
    ("fails", "retries", "attempts", "passed", "output"),
    [
        pytest.param(0, 3, 1, True, "attempt 1\n", id="what passes is not run again"),
        pytest.param(1, 0, 1, False, "attempt 1\n", id="nor what fails, unless it is named"),
        pytest.param(2, 3, 3, True, "attempt 2\n", id="a flaky one shows its last failure"),
        pytest.param(9, 2, 3, False, "attempt 3\n", id="one that fails, its last attempt"),
    ],
)
def test_retries(
    tmp_path: Path, fails: int, retries: int, attempts: int, passed: bool, output: str
) -> None:
    result = flaky(tmp_path, fails=fails, retries=retries)
    assert (result.attempts, result.passed, result.output) == (attempts, passed, output)
    assert result.exit_code == (0 if passed else 7)
    assert result.flaky == (passed and attempts > 1)
    assert result.seconds >= 0.1 * attempts


def test_a_gate_that_hangs_once_is_run_again(tmp_path: Path) -> None:
    result = flaky(tmp_path, fails=1, retries=1, fail="time.sleep(60)")
    assert (result.passed, result.flaky, result.timed_out, result.exit_code) == (
        True,
        True,
        False,
        0,
    )
    assert "attempt 1\n\nkilled: it did not end within 2 s\n" in result.output
    assert result.seconds >= 2


def test_results_that_an_older_version_kept_are_read() -> None:
    old = (
        b'{"name":"unit","phase":"after","command":["true"],"exit_code":0,"seconds":0.1,'
        b'"passed":true,"timed_out":false,"output":""}'
    )
    result = msgspec.json.decode(old, type=GateResult)
    assert (result.attempts, result.flaky) == (1, False)


def test_a_gate_that_spoils_its_surroundings_has_a_result_all_the_same(tmp_path: Path) -> None:
    """Nothing keeps a gate from writing elsewhere; that it does so must not upset the tool."""
    (tmp_path / "tree").mkdir()
    code = (
        "import os, shutil; open('../outside', 'w').write('x');"
        "shutil.rmtree(os.getcwd()); os.killpg(0, 9)"
    )
    result = python(code, tmp_path / "tree")
    assert (result.exit_code, result.passed) == (-signal.SIGKILL, False)
    assert (tmp_path / "outside").read_text() == "x" and not (tmp_path / "tree").exists()


def test_gates_run_side_by_side_in_threads(tmp_path: Path) -> None:
    results: list[GateResult] = []
    threads = [
        threading.Thread(target=lambda: results.append(python("print('fine')", tmp_path)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.output for result in results] == ["fine\n"] * 4


def environment(inherited: dict[str, str], **changes: object) -> dict[str, str]:
    values: dict[str, object] = {
        "phase": "before",
        "modules": ("candidate/a.py", "candidate/b.py"),
        "modules_file": Path("/state/modules"),
        "checkout": Path("/home/me/repo"),
        "worktree": Path("/state/worktree"),
    }
    return gate_environment(inherited, **(values | changes))  # type: ignore[arg-type]


def test_the_environment_is_the_user_s_less_git_s_and_ours() -> None:
    kept = {"PATH": "/bin", "HOME": "/home/me", "GIT_SSH_COMMAND": "ssh", "GIT_AUTHOR_NAME": "me"}
    gone = {"GIT_DIR": "x", "GIT_INDEX_FILE": "x", "GIT_WORK_TREE": "x", "LANE_PLANNER_OLD": "x"}
    assert environment(kept | gone | {"PWD": "/elsewhere"}) == kept | {
        "LANE_PLANNER": "1",
        "LANE_PLANNER_PHASE": "before",
        "LANE_PLANNER_MODULES": "candidate/a.py\ncandidate/b.py",
        "LANE_PLANNER_MODULES_FILE": "/state/modules",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PWD": "/state/worktree",
    }


def test_a_list_too_long_for_a_variable_is_only_in_the_file(tmp_path: Path) -> None:
    made = environment(dict(os.environ), modules=[f"candidate/m{n}.py" for n in range(20_000)])
    assert "LANE_PLANNER_MODULES" not in made
    assert run_gate(gate("true"), tmp_path, environment=made).passed


def test_the_tree_under_test_is_imported_not_the_checkout(tmp_path: Path) -> None:
    checkout = tmp_path / "repo"
    (checkout / ".venv").mkdir(parents=True)
    (checkout / ".venv/pyvenv.cfg").touch()
    entries = ["/lib/x", f"{checkout}", f"{checkout}/tools", f"{checkout}/.venv/lib", "rel", ""]
    made = environment(
        {"PYTHONPATH": os.pathsep.join(entries)}, checkout=checkout, source_roots=(".", "src")
    )
    assert made["PYTHONPATH"].split(os.pathsep) == [
        "/state/worktree",
        "/state/worktree/src",
        "/lib/x",
        "/state/worktree/tools",
        f"{checkout}/.venv/lib",
        "rel",
    ]
