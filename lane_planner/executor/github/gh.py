"""Requests to GitHub through its own program, `gh`, repeated as GitHub asks for it.

Every request is one of GitHub's REST interface, sent with `gh api`: it is documented, it is the
same for all versions of gh, and its answer shows what back-off needs, the status and the headers.
`gh pr create` and its like ask several GraphQL questions that differ between versions, look at the
checkout, and tell a failure only in words.
"""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any, Literal, NamedTuple, NoReturn, TypeVar

import msgspec

from lane_planner.base.errors import EnvironmentFailure
from lane_planner.base.text import encodable, plural, printable
from lane_planner.executor.github.network import Patience, first_line, growing, run_online

_PAGE = 100
_OLDEST_GH = (2, 0)
_LONGEST_PAUSE = 900.0

_T = TypeVar("_T")

_LIMITED = re.compile(r"rate limit|abuse detection|submitted too quickly", re.IGNORECASE)
_LOGIN_UNSURE = re.compile(
    r"scope|api call failed|timeout|authentication failed|failed to log in", re.IGNORECASE
)


class Refused(EnvironmentFailure):
    """GitHub understood a request and refused it.

    Args:
        message: the line for the user.
        status: of HTTP, 300 to 499.
        said: GitHub's own words.
        fields: names of the fields that it found invalid.
    """

    def __init__(self, message: str, status: int, said: str, fields: frozenset[str]) -> None:
        super().__init__(message)
        self.status = status
        self.said = said
        self.fields = fields


class Unsure(EnvironmentFailure):
    """A request failed, and may have taken effect all the same."""


class _Answer(NamedTuple):
    """An answer of GitHub: status, headers with names in lower case, and body."""

    status: int
    headers: dict[str, str]
    body: bytes


class _Lost(NamedTuple):
    """No answer came, for a reason."""

    reason: str


class Gh:
    """Requests to one host through gh, repeated as GitHub asks for it.

    Args:
        host: a host that gh is logged in to. gh would send a login that the environment holds
            to any other host as well.
        directory: where gh runs.
        patience: how what fails for a while is asked for again.
    """

    def __init__(self, host: str, directory: Path, patience: Patience) -> None:
        self._host = host
        self._directory = directory
        self._patience = patience

    def get(self, doing: str, path: str, kind: type[_T]) -> _T:
        """Ask a question.

        Args:
            doing: what for, to follow "did not" in a message.
            path: of the REST interface, without a slash in front.
            kind: what the answer is.

        Raises:
            Refused: GitHub does not answer it.
            EnvironmentFailure: no answer came, or none that can be understood.
        """
        return self._read(self._call(doing, "GET", path, None), kind)

    def pages(self, doing: str, path: str, kind: type[_T]) -> list[_T]:
        """Ask for a whole list.

        Args:
            doing: as for `get`.
            path: likewise.
            kind: what the list is of.

        Raises:
            Refused: GitHub does not answer it.
            EnvironmentFailure: no answer came, or none that can be understood.
        """
        found: list[_T] = []
        separator = "&" if "?" in path else "?"
        page = 1
        while True:
            asked = f"{path}{separator}per_page={_PAGE}&page={page}"
            part = self._read(self._call(doing, "GET", asked, None), list[kind])  # type: ignore[valid-type]
            found += part
            if len(part) < _PAGE:
                return found
            page += 1

    def change(self, doing: str, method: str, path: str, payload: Any, kind: type[_T]) -> _T:
        """Make a change that comes to the same if it is made twice.

        Args:
            doing: as for `get`.
            method: of HTTP.
            path: as for `get`.
            payload: what is sent, as JSON.
            kind: what the answer is.

        Raises:
            Refused: GitHub does not make it.
            EnvironmentFailure: no answer came, or none that can be understood.
        """
        return self._read(self._call(doing, method, path, payload), kind)

    def add(self, doing: str, path: str, payload: Any, kind: type[_T]) -> _T:
        """Make something that would be there twice if it were asked for twice.

        Args:
            doing: as for `get`.
            path: likewise.
            payload: what is sent, as JSON.
            kind: what the answer is.

        Raises:
            Unsure: it may be there now, or not.
            Refused: GitHub does not make it.
            EnvironmentFailure: it was not made, or the answer cannot be understood.
        """
        return self._read(self._call(doing, "POST", path, payload, unsure=True), kind)

    def until_sure(self, add: Callable[[], _T], look: Callable[[], _T | None]) -> _T:
        """Add something once, looking for it whenever it is unsure whether it is there.

        Args:
            add: adds it and returns it, or raises `Unsure`.
            look: returns it if it is there.

        Raises:
            EnvironmentFailure: it is not there after all tries.
        """
        for number in range(1, self._patience.tries + 1):
            try:
                return add()
            except Unsure as error:
                self._patience.rest(number)
                if (found := look()) is not None:
                    return found
                last = error
        raise EnvironmentFailure(
            f"{last.message}, {plural(self._patience.tries, 'time')}"
        ) from last

    def _call(
        self, doing: str, method: str, path: str, payload: Any, *, unsure: bool = False
    ) -> bytes:
        for number in range(1, self._patience.tries + 1):
            answer = self._once(method, path, payload)
            pause, effective = growing(number), True
            if isinstance(answer, _Lost):
                said = answer.reason
            elif answer.status < 300:
                return answer.body
            elif (asked := _asked_to_wait(answer, number)) is not None:
                # It was turned away at the door: nothing has taken effect.
                said, pause, effective = _said(answer), asked, False
            elif answer.status < 500:
                self._refuse(doing, answer)
            else:
                said = f"HTTP {answer.status}"
            if effective and unsure:
                raise Unsure(f"{self._host} did not {doing}: {said}")
            if pause > _LONGEST_PAUSE:
                raise EnvironmentFailure(
                    f"{self._host} did not {doing}, and asks to wait "
                    f"{plural(round(pause / 60), 'minute')}: {said}"
                )
            if number < self._patience.tries:
                self._patience.pause(pause)
        raise EnvironmentFailure(
            f"{self._host} did not {doing}: {said}, {plural(self._patience.tries, 'time')}"
        )

    def _once(self, method: str, path: str, payload: Any) -> _Answer | _Lost:
        argv = ["gh", "api", "--include", "--hostname", self._host, "--method", method]
        argv += ["-H", "Accept: application/vnd.github+json"]
        stdin = None
        if payload is not None:
            argv += ["--input", "-"]
            stdin = msgspec.json.encode(encodable(payload))
        done = run_online([*argv, path], self._directory, stdin=stdin)
        if done.timed_out:
            return _Lost(f"no answer within {done.seconds:.0f} seconds")
        said = first_line(done.stderr.decode("utf-8", "replace"))
        answer = _parsed(done.stdout)
        if answer is None:
            if done.exit_code == 4:  # gh's own sign for it
                raise EnvironmentFailure(no_login(self._host))
            return _Lost(said)
        if answer.status < 300 and done.exit_code != 0:
            return _Lost(f"the answer broke off ({said})")
        return answer

    def _refuse(self, doing: str, answer: _Answer) -> NoReturn:
        if answer.status == 401:
            raise EnvironmentFailure(no_login(self._host))
        said = _said(answer)
        message = f"{self._host} did not {doing}: {said} (HTTP {answer.status})"
        raise Refused(message, answer.status, said, _invalid_fields(answer))

    def _read(self, body: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.DecodeError as error:
            raise EnvironmentFailure(
                f"{self._host} answered what cannot be understood: {printable(str(error))}"
            ) from error


def why_no_gh(directory: Path) -> str | None:
    """Return why gh cannot be used, None if it can.

    Args:
        directory: where it would run.
    """
    if shutil.which("gh") is None:
        return "gh, GitHub's program, is not on PATH: see https://cli.github.com"
    done = run_online(["gh", "--version"], directory)
    match = re.match(rb"gh version v?(\d+)\.(\d+)", done.stdout)
    if done.exit_code != 0 or match is None:
        return "the gh on PATH does not tell its version as GitHub's does"
    version = (int(match[1]), int(match[2]))
    if version < _OLDEST_GH:
        shown, oldest = (".".join(map(str, one)) for one in (version, _OLDEST_GH))
        return f"gh is of version {shown}, and {oldest} is needed"
    return None


def login_to(host: str, directory: Path) -> Literal["there", "unsure", "none"]:
    """Return whether gh is logged in to a host; "unsure": only GitHub can tell.

    gh asks GitHub too, and finds fault with a login that may do all we need (scopes), or with the
    network; a question of our own tells these better. To a host that gh does not know, nothing may
    be sent: gh would send a login from the environment along.

    Args:
        host: of a GitHub.
        directory: where gh runs.
    """
    status = run_online(["gh", "auth", "status", "--hostname", host], directory)
    if status.timed_out:
        return "unsure"
    if status.exit_code == 0:
        return "there"
    said = (status.stdout + status.stderr).decode("utf-8", "replace").replace(host, "")
    return "unsure" if _LOGIN_UNSURE.search(said) else "none"


def no_login(host: str) -> str:
    """Return what to tell a user who is not logged in to a host."""
    return f"gh is not logged in to {host}: run `gh auth login --hostname {host}`"


def _parsed(output: bytes) -> _Answer | None:
    """Return the answer that `gh api --include` printed, None if it printed none."""
    status = re.match(rb"HTTP/[\d.]+ (\d{3})\b", output)
    if status is None:
        return None
    parts = re.split(rb"\r?\n\r?\n", output, maxsplit=1)
    lines = parts[0].decode("latin-1").splitlines()[1:]
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    return _Answer(int(status[1]), headers, parts[1] if len(parts) == 2 else b"")


def _asked_to_wait(answer: _Answer, number: int) -> float | None:
    """Return how many seconds GitHub wants to be left alone, None if that is not its trouble."""
    headers = answer.headers
    used_up = headers.get("x-ratelimit-remaining") == "0"
    limited = "retry-after" in headers or used_up or _LIMITED.search(_said(answer))
    if answer.status != 429 and not (answer.status == 403 and limited):
        return None
    if headers.get("retry-after", "").isdecimal():
        return max(1.0, float(headers["retry-after"]))
    if used_up and headers.get("x-ratelimit-reset", "").isdecimal() and "date" in headers:
        with contextlib.suppress(ValueError):  # a date that is none
            now = parsedate_to_datetime(headers["date"]).timestamp()
            return max(1.0, int(headers["x-ratelimit-reset"]) - now + 1)
    # What GitHub recommends when it names no time, as far as a run can be kept waiting.
    return min(60.0 * growing(number), _LONGEST_PAUSE)


def _said(answer: _Answer) -> str:
    """Return GitHub's words in one printable line."""
    try:
        document = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        document = None
    if not isinstance(document, dict):
        return f"HTTP {answer.status}"
    errors = document.get("errors")
    words = [document.get("message")]
    for error in errors if isinstance(errors, list) else [errors]:
        if isinstance(error, dict):
            fallback = " ".join(str(error[key]) for key in ("field", "code") if key in error)
            words.append(error.get("message") or fallback)
        else:
            words.append(error)
    said = [" ".join(word.split()) for word in words if isinstance(word, str) and word.strip()]
    return printable(": ".join(dict.fromkeys(said))) or f"HTTP {answer.status}"


def _invalid_fields(answer: _Answer) -> frozenset[str]:
    try:
        document = msgspec.json.decode(answer.body)
    except msgspec.DecodeError:
        return frozenset()
    errors = document.get("errors") if isinstance(document, dict) else None
    listed = errors if isinstance(errors, list) else []
    invalid = (e for e in listed if isinstance(e, dict) and e.get("code") == "invalid")
    return frozenset(str(error.get("field")) for error in invalid)
