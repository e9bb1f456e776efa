"""Ready-made configurations, as the text that `init --preset` writes."""

from __future__ import annotations

from collections.abc import Mapping

_LUKHAS = """\
# Lanes of rising trust: candidate, core, lukhas, products. A module is promoted one lane at a
# time. All paths are relative to the directory of this file.

source_roots = ["."]      # where module names begin: candidate/a.py is candidate.a
exclude = ["archive/**"]  # files to leave out, in gitignore syntax
cycles = "block"          # a circular import blocks its modules; "together": they land as one step
transitive = false        # true: also report chains of allowed imports into a forbidden lane
unlaned = "allow"         # may a lane import first-party code that is in no lane? or "forbid"
unresolved = "block"      # an import of a module that does not exist blocks; or "note"
# aliases = { "core" = "candidate.core" }  # for code that plays with sys.path

# Each lane: its directories (promoted modules arrive in the first), the other lanes that it may
# import, and the next lane. The standard library and third-party packages are always allowed.

[lanes.candidate]
paths = ["candidate"]
imports = ["core", "matriz", "universal_language"]
promotes_to = "core"

[lanes.core]
paths = ["core"]
imports = ["matriz", "universal_language"]
promotes_to = "lukhas"

[lanes.lukhas]
paths = ["lukhas"]
imports = ["core", "matriz", "universal_language"]
promotes_to = "products"

[lanes.products]
paths = ["products"]
imports = ["lukhas", "core", "matriz", "universal_language"]

# Support packages: every lane may import them, they import no lane and never move.

[lanes.matriz]
paths = ["matriz"]

[lanes.universal_language]
paths = ["universal_language"]

[batch]
max_files = 50  # the most files that move in one batch, which is gated as one

# Tests that are laid out like a lane: they move along with the modules that they are named after.
[tests]
mirrored = ["tests/**/{lane}"]

[coverage]
min = 0.75              # the part of a module's lines that tests must reach
data = "coverage.json"  # what `coverage json` writes; .coverage, lcov and cobertura xml do too
measure = false         # true: measure modules that the data lacks, by the tests that reach them

# Gates: commands that must succeed (no shell reads them), in this order, within a time in seconds.
# "before" runs ahead of the move, "after" on the moved tree. With `when`, a gate runs only for
# paths that match: here a directory or file with the word in its name, at any depth. More keys:
# retries (of flaky gates), scope ("wave": once a wave), kind ("benchmark": against the base); the
# argument "{tests}" in a command stands for the test files that reach what changed.

[[gates]]
name = "guardian"
phase = "before"
when = ["**/*consciousness*", "**/*ethics*"]
command = ["pytest", "tests/ethics/"]
timeout = 120

[[gates]]
name = "performance"
phase = "before"
when = ["**/*memory*", "**/*matriz*", "**/*identity*"]
command = ["make", "test-performance"]
timeout = 180

[[gates]]
name = "unit"
phase = "after"
command = ["pytest", "tests/unit/"]
timeout = 120

[[gates]]
name = "integration"
phase = "after"
command = ["pytest", "tests/integration/"]
timeout = 180

[[gates]]
name = "lane-guard"
phase = "after"
command = ["make", "lane-guard"]
timeout = 60

[[gates]]
name = "smoke"
phase = "after"
command = ["make", "smoke"]
timeout = 120

# Waivers let some imports break a rule until a day; a glob's * also matches dots.
# [[waivers]]
# importer = "candidate.a.*"
# imported = "lukhas.b"
# reason = "adapter being extracted"
# expires = 2026-12-31
"""

PRESETS: Mapping[str, str] = {"lukhas": _LUKHAS}
"""Preset name → text of a lanes.toml."""
