"""A browser, and a page in it that remembers whatever goes wrong."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

PROJECT = Path(__file__).resolve().parents[2]
SCREENSHOTS = PROJECT / "build" / "screenshots"

CHROMIUM = shutil.which("chromium")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium, Debian's browser, is not installed"
)

READY = "document.documentElement.dataset.ready"

# Before any script of the page: what its policy forbade, and what a dialog would have said.
_WATCH = """
window.refused = [];
document.addEventListener('securitypolicyviolation', (event) => {
  window.refused.push(`${event.violatedDirective}: ${event.blockedURI} ${event.sample}`);
});
"""


@contextmanager
def browser() -> Iterator[Browser]:
    """Start the browser, and end it."""
    options = [
        "--disable-gpu",
        "--disable-quic",
        "--disable-background-networking",
        "--no-first-run",
    ]
    options += ["--disable-component-update", "--disable-sync"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # which chromium refuses to set up for root
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=options)
        yield started
        started.close()


class Visit:
    """A page that is open, without a network.

    Args:
        running: the browser.
        file: the page.
        options: of the browser's context, such as `color_scheme`.

    Attributes:
        file: address of the page.
        page: as Playwright has it.
        troubles: errors of scripts, warnings of the console, dialogs, and what it tried to load.
    """

    def __init__(self, running: Browser, file: Path, **options: Any) -> None:
        wanted = {"viewport": {"width": 1280, "height": 900}, "offline": True, **options}
        self._context = running.new_context(**wanted)
        self.file = file.as_uri()
        self.troubles: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.add_init_script(_WATCH)
        self.page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        self.page.on("console", lambda said: self.troubles.append(f"{said.type}: {said.text}"))
        self.page.on("dialog", lambda dialog: self.troubles.append(f"dialog: {dialog.message}"))
        self.page.on("request", lambda request: self._requested(request.url))

    def _requested(self, url: str) -> None:
        if url.partition("#")[0] != self.file:
            self.troubles.append(f"request: {url}")

    def open(self, *parts: str) -> Page:
        """Load the page anew at a view, and wait until it can be used."""
        self.page.goto("about:blank")
        fragment = "/".join(quote(part, safe="") for part in parts)
        self.page.goto(f"{self.file}#/{fragment}" if parts else self.file)
        self.page.wait_for_function(READY)
        return self.page

    def heading(self) -> str:
        """Return the heading of the view."""
        return self.page.locator("main h1").inner_text()

    def shot(self, name: str, *, full: bool = True) -> None:
        """Keep a picture of the page in build/screenshots."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full)

    def refused(self) -> list[str]:
        """Return what the page's policy forbade since it was loaded."""
        found: list[str] = self.page.evaluate("window.refused")
        return found

    def close(self) -> None:
        """Close the page, and make sure that nothing went wrong in it."""
        found = [*self.troubles, *self.refused()]
        self._context.close()
        assert not found, "\n".join(found)
