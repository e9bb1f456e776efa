"""A GitHub of one repository, as much of it as the executor uses, that gh talks to for real.

`gh config set http_unix_socket` makes gh send every request, as plain HTTP, to a socket of ours.
Branches are those of a bare repository, which pushes go to through `url.<base>.insteadOf`.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import socketserver
import subprocess
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from tests.executor.repositories import ENVIRONMENT, git

HOST = "github.example"
TOKEN = "a-token-of-a-test"
URL = f"https://{HOST}/owner/name.git"
NOW, NOW_SECONDS = "Tue, 02 Jan 2024 03:04:05 GMT", 1_704_164_645
_PREFIX = "/api/v3/"  # of a host that is not github.com

SECONDARY_LIMIT = "You have exceeded a secondary rate limit. Please wait a few minutes."


@dataclass(frozen=True)
class Answer:
    """What a request is answered.

    Attributes:
        status: of HTTP.
        body: JSON document; None for no body.
        headers: besides those that every answer has.
        broken: whether the connection closes in the middle of the body.
    """

    status: int
    body: Any = None
    headers: tuple[tuple[str, str], ...] = ()
    broken: bool = False


@dataclass
class Fault:
    """What goes wrong with requests to come.

    Attributes:
        answer: given in place of the right one; None: the connection closes without any.
        after: whether the request takes effect all the same.
        method: of HTTP; "" for any.
        path: regular expression that the path below the repository has to match as a whole.
        times: how many more requests go wrong.
    """

    answer: Answer | None
    after: bool = False
    method: str = ""
    path: str = ".*"
    times: int = 1


@dataclass
class Pull:
    """A pull request."""

    number: int
    title: str
    body: str | None
    head: str
    base: str
    draft: bool = False
    state: Literal["open", "closed"] = "open"
    merged: bool = False
    author: str = "planner"
    head_repository: str | None = None
    labels: list[str] = field(default_factory=list)
    reviewers: list[str] = field(default_factory=list)
    teams: list[str] = field(default_factory=list)
    reviews: list[str] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)


def invalid(message: str = "", **error: str) -> Answer:
    """Return GitHub's answer to a request that it understands and does not take."""
    errors = [{"resource": "PullRequest", **error} | ({"message": message} if message else {})]
    return Answer(422, {"message": "Validation Failed", "errors": errors})


class FakeGitHub:
    """The server's state; tests change it as people on GitHub would.

    Args:
        bare: the repository that holds the branches.
        socket: path to listen on; a socket's path is limited to some 100 bytes.

    Attributes:
        full_name: owner and name of the repository.
        old_names: names that it had before, which only reading follows.
        pulls: by number.
        labels: names, in the spelling that they were made with.
        collaborators: who may be asked for a review.
        teams: likewise, of the owner.
        drafts: whether drafts are allowed.
        may_label: whether the user may make labels.
        archived: whether nothing may change any more.
        login_holds: whether the token is good.
        scopes: that the token has.
        faults: what goes wrong, the first that fits.
        requests: method and path below the repository of every request.
        troubles: exceptions in the server; a test that leaves one has failed.
    """

    def __init__(self, bare: Path, socket: Path) -> None:
        self.bare = bare
        self.socket = socket
        self.full_name = "owner/name"
        self.old_names: set[str] = set()
        self.pulls: dict[int, Pull] = {}
        self.labels: set[str] = set()
        self.collaborators: set[str] = set()
        self.teams: set[str] = set()
        self.drafts = True
        self.may_label = True
        self.archived = False
        self.login_holds = True
        self.scopes = "repo, read:org"
        self.faults: list[Fault] = []
        self.requests: list[tuple[str, str]] = []
        self.troubles: list[BaseException] = []
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve while the context lasts."""
        with _Server(str(self.socket), _handler(self)) as server:
            thread = threading.Thread(target=server.serve_forever, args=(0.01,))
            thread.start()
            try:
                yield
            finally:
                server.shutdown()
                thread.join()

    def pull(self, head: str, *, base: str = "main", **fields: Any) -> Pull:
        """Make a pull request as another program or person would."""
        number = len(self.pulls) + 1
        values = {"title": "title", "body": "body"} | fields
        self.pulls[number] = Pull(number, head=head, base=base, **values)
        return self.pulls[number]

    def count(self, method: str, path: str) -> int:
        """Return how many requests there were to a path below the repository."""
        return sum(
            asked == method and re.fullmatch(path, at) is not None for asked, at in self.requests
        )

    def respond(self, method: str, target: str, token: str | None, body: bytes) -> Answer | None:
        """Return the answer to a request, or None to close the connection."""
        with self._lock:
            parts = urlsplit(target)
            if not parts.path.startswith("/api/"):
                return Answer(404, {"message": "Not Found"})
            path = parts.path.removeprefix(_PREFIX)
            inner = re.sub(r"repos/[^/]+/[^/]+/?", "", path)
            self.requests.append((method, inner))
            fault = next((f for f in self.faults if self._meets(f, method, inner)), None)
            if fault is not None:
                fault.times -= 1
                if not fault.after:
                    return fault.answer
            if token is not None and (token != TOKEN or not self.login_holds):
                answer = Answer(401, {"message": "Bad credentials"})
            else:
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                document = json.loads(body) if body else {}
                answer = self._route(method, path, query, document, token)
            return answer if fault is None else fault.answer

    def _meets(self, fault: Fault, method: str, inner: str) -> bool:
        named = fault.method in ("", method)
        return fault.times > 0 and named and re.fullmatch(fault.path, inner) is not None

    def _route(
        self, method: str, path: str, query: dict[str, str], document: Any, token: str | None
    ) -> Answer:
        if path == "":
            return Answer(200, {}, (("X-Oauth-Scopes", self.scopes),))
        if path == "/api/graphql":
            return Answer(200, {"data": {"viewer": {"login": "planner"}}})
        match = re.fullmatch(r"repos/([^/]+/[^/]+)(?:/(.*))?", path)
        known = {self.full_name, *(self.old_names if method == "GET" else ())}
        if match is None or match[1] not in known:
            return Answer(404, {"message": "Not Found"})
        if match[2] is None:
            permissions = {} if token is None else {"permissions": {"pull": True, "push": True}}
            name = {"full_name": self.full_name, "default_branch": "main"}
            return Answer(200, name | {"archived": self.archived} | permissions)
        routes: list[tuple[str, str, Callable[..., Answer]]] = [
            ("GET", r"pulls", self._list_pulls),
            ("POST", r"pulls", self._make_pull),
            ("GET", r"pulls/(\d+)", self._get_pull),
            ("PATCH", r"pulls/(\d+)", self._change_pull),
            ("GET", r"pulls/(\d+)/reviews", self._list_reviews),
            ("POST", r"pulls/(\d+)/requested_reviewers", self._ask_reviewers),
            ("GET", r"issues/(\d+)/comments", self._list_comments),
            ("POST", r"issues/(\d+)/comments", self._make_comment),
            ("POST", r"issues/(\d+)/labels", self._add_labels),
            ("GET", r"labels/([^/]+)", self._get_label),
            ("POST", r"labels", self._make_label),
        ]
        for wanted, pattern, act in routes:
            found = re.fullmatch(pattern, match[2])
            if wanted == method and found is not None:
                if found.groups() and found[1].isdigit() and int(found[1]) not in self.pulls:
                    break
                return act(query, document, *found.groups())
        return Answer(404, {"message": "Not Found"})

    def _list_pulls(self, query: dict[str, str], _: Any) -> Answer:
        listed = [
            pull
            for pull in sorted(self.pulls.values(), key=lambda pull: -pull.number)
            if query.get("state", "open") in ("all", pull.state)
            and query.get("head") in (None, self._label_of(pull))
        ]
        return Answer(200, [self._shown(pull) for pull in _page(listed, query)])

    def _make_pull(self, _: dict[str, str], asked: Any) -> Answer:
        head, base = asked["head"], asked["base"]
        for name, branch in (("base", base), ("head", head)):
            if self.commit(branch) is None:
                return invalid(field=name, code="invalid")
        if len(asked["title"]) > 256 or len(asked["body"]) > 65_536:
            return invalid("body is too long (maximum is 65536 characters)", code="custom")
        if not self._git("rev-list", f"{base}..{head}"):
            return invalid(f"No commits between {base} and {head}", code="custom")
        ours = (p for p in self.pulls.values() if p.head_repository is None and p.state == "open")
        if any((pull.head, pull.base) == (head, base) for pull in ours):
            owner = self.full_name.partition("/")[0]
            said = f"A pull request already exists for {owner}:{head}."
            return invalid(said, code="custom")
        if asked["draft"] and not self.drafts:
            return Answer(
                422, {"message": "Draft pull requests are not supported in this repository."}
            )
        fields = {key: asked[key] for key in ("title", "body", "draft")}
        return Answer(201, self._shown(self.pull(head, base=base, **fields)))

    def _get_pull(self, _: dict[str, str], __: Any, number: str) -> Answer:
        return Answer(200, self._shown(self.pulls[int(number)]))

    def _change_pull(self, _: dict[str, str], asked: Any, number: str) -> Answer:
        pull = self.pulls[int(number)]
        if "base" in asked and pull.state != "open":
            return invalid("Cannot change the base branch of a closed pull request.", code="custom")
        if "base" in asked and self.commit(asked["base"]) is None:
            return invalid(field="base", code="invalid")
        for key, value in asked.items():
            setattr(pull, key, value)
        return Answer(200, self._shown(pull))

    def _list_reviews(self, query: dict[str, str], _: Any, number: str) -> Answer:
        reviews = [{"user": {"login": name}} for name in self.pulls[int(number)].reviews]
        return Answer(200, _page(reviews, query))

    def _ask_reviewers(self, _: dict[str, str], asked: Any, number: str) -> Answer:
        pull = self.pulls[int(number)]
        people, teams = asked.get("reviewers", []), asked.get("team_reviewers", [])
        if pull.author in people:
            said = "Review cannot be requested from pull request author."
            return Answer(422, {"message": said})
        if not (set(people) <= self.collaborators and set(teams) <= self.teams):
            said = "Reviews may only be requested from collaborators."
            return Answer(422, {"message": said})
        pull.reviewers += people
        pull.teams += teams
        return Answer(201, self._shown(pull))

    def _list_comments(self, query: dict[str, str], _: Any, number: str) -> Answer:
        comments = [{"body": body} for body in self.pulls[int(number)].comments]
        return Answer(200, _page(comments, query))

    def _make_comment(self, _: dict[str, str], asked: Any, number: str) -> Answer:
        self.pulls[int(number)].comments.append(asked["body"])
        return Answer(201, {"body": asked["body"]})

    def _add_labels(self, _: dict[str, str], asked: Any, number: str) -> Answer:
        pull = self.pulls[int(number)]
        for name in asked["labels"]:
            known = {label.casefold(): label for label in self.labels}
            if known[name.casefold()] not in pull.labels:
                pull.labels.append(known[name.casefold()])
        return Answer(200, [{"name": name} for name in pull.labels])

    def _get_label(self, _: dict[str, str], __: Any, name: str) -> Answer:
        wanted = unquote(name).casefold()
        found = [label for label in self.labels if label.casefold() == wanted]
        return Answer(200, {"name": found[0]}) if found else Answer(404, {"message": "Not Found"})

    def _make_label(self, _: dict[str, str], asked: Any) -> Answer:
        if not self.may_label:
            return Answer(403, {"message": "Resource not accessible by personal access token"})
        if asked["name"].casefold() in {label.casefold() for label in self.labels}:
            return invalid(resource="Label", field="name", code="already_exists")
        self.labels.add(asked["name"])
        return Answer(201, {"name": asked["name"]})

    def commit(self, branch: str) -> str | None:
        """Return the commit that a branch is at."""
        return self._git("rev-parse", "--verify", "--quiet", f"refs/heads/{branch}") or None

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments],
            cwd=self.bare,
            env=ENVIRONMENT,
            capture_output=True,
            check=False,
            text=True,
        )
        return done.stdout.strip()

    def _label_of(self, pull: Pull) -> str:
        owner = (pull.head_repository or self.full_name).partition("/")[0]
        return f"{owner}:{pull.head}"

    def _shown(self, pull: Pull) -> dict[str, Any]:
        repository = pull.head_repository or self.full_name
        gone = repository == "gone"
        return {
            "number": pull.number,
            "html_url": f"https://{HOST}/{self.full_name}/pull/{pull.number}",
            "state": pull.state,
            "merged_at": "2024-01-02T03:04:05Z" if pull.merged else None,
            "title": pull.title,
            "body": pull.body,
            "draft": pull.draft,
            "user": {"login": pull.author},
            "base": {"ref": pull.base, "sha": self.commit(pull.base) or ""},
            "head": {
                "ref": pull.head,
                "sha": self.commit(pull.head) or "",
                "repo": None if gone else {"full_name": repository},
            },
            "labels": [{"name": name} for name in pull.labels],
            "requested_reviewers": [{"login": name} for name in pull.reviewers],
            "requested_teams": [{"slug": name} for name in pull.teams],
        }


def _page(listed: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return listed[(page - 1) * size : page * size]


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = False
    block_on_close = True
    request_queue_size = 32


def _handler(github: FakeGitHub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def address_string(self) -> str:
            return HOST

        def log_message(self, *_: object) -> None:
            pass

        def _serve(self) -> None:
            self.close_connection = True
            try:
                token = self.headers.get("Authorization")
                answer = github.respond(
                    self.command,
                    self.path,
                    None if token is None else token.removeprefix("token "),
                    self._body(),
                )
                if answer is not None:
                    self._send(answer)
            except BaseException as error:  # seen by the test, which would not see the thread's
                github.troubles.append(error)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def _body(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", "0")))
            parts = []
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)

        def _send(self, answer: Answer) -> None:
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            self.send_response_only(answer.status)
            self.send_header("Date", NOW)
            self.send_header("Content-Type", "application/json; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            if content:  # without any, the other side need not wait for us
                self.wfile.write(content[: len(content) // 2] if answer.broken else content)

    return Handler


def put_on_github(root: Path, bare: Path) -> None:
    """Give a repository a remote on GitHub, with its main branch on it.

    Args:
        root: the repository.
        bare: where pushes go instead; it is made.
    """
    git(root, "init", "--quiet", "--bare", "--initial-branch=main", str(bare))
    git(root, "remote", "add", "origin", URL)
    git(root, "config", f"url.{bare.as_uri()}.insteadOf", URL)
    git(root, "push", "--quiet", "origin", "main")


def log_in(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Log gh in to this GitHub, for the length of a test, and out of every other.

    Args:
        config: gh's directory of configuration.
        monkeypatch: of the test.
    """
    for name in ("GH_TOKEN", "GITHUB_TOKEN", "GITHUB_ENTERPRISE_TOKEN", "GH_REPO"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("GH_CONFIG_DIR", str(config))
    monkeypatch.setenv("GH_HOST", HOST)
    monkeypatch.setenv("GH_ENTERPRISE_TOKEN", TOKEN)


@contextlib.contextmanager
def github_for_gh(bare: Path, config: Path) -> Iterator[FakeGitHub]:
    """Serve a GitHub with the branches of a bare repository, and let gh find it.

    Args:
        bare: the repository.
        config: gh's directory of configuration; it is made.
    """
    # A socket's path has to be short.
    short = Path(tempfile.mkdtemp(prefix="gh-"))
    try:
        server = FakeGitHub(bare, short / "socket")
        config.mkdir()
        (config / "config.yml").write_text(f"http_unix_socket: {server.socket}\n")
        with server.serving():
            yield server
        assert server.troubles == []
    finally:
        shutil.rmtree(short)
