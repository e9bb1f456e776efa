"""What stands below the help of each command: how it is called, and what for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

_Example = tuple[str, str]

EXAMPLES: Mapping[str, Sequence[_Example]] = {
    "init": (
        ("init", "look at the repository, ask, and write lanes.toml"),
        ("init --yes", "the same, and ask nothing"),
        ("init --preset lukhas", "a commented example with every kind of setting"),
        ("init --from-importlinter", "convert import-linter's contracts"),
        ("init --from-importlinter ci/contracts.ini", "those of another file"),
        ("init --from-tach --force", "convert tach.toml, and replace lanes.toml"),
    ),
    "config": (
        ("config schema --output lanes.schema.json", "for the editor"),
        ("config schema | jq .properties.gates", "what a gate may say"),
    ),
    "check": (
        ("check", "violations that are not in the baseline; exit code 1 if any"),
        ("check --cycles --format json", "circular imports too, for a program"),
        ("check --diff origin/main", "only what a branch brings"),
        ("check --format sarif --output lanes.sarif", "for code scanning"),
        ("check --scheduler tcp://host:8786", "read what is not known yet on a Dask cluster"),
        ("check --watch", "again whenever something changes"),
        ("check --update-baseline --allow-additions", "accept what there is today"),
        ("check --update-baseline", "take out of the baseline what is gone"),
    ),
    "cycles": (
        ("cycles", "each circular import, and what breaks it"),
        ("cycles --format json --output cycles.json", "the same, for a program"),
    ),
    "graph": (
        ("graph --output graph.json", "every module and import"),
        ("graph --format text", "a line for each import"),
        ("graph --depth 2 --format dot | dot -Tsvg > lanes.svg", "packages, drawn"),
    ),
    "explain": (
        ("explain candidate.auth.tokens", "why a module cannot be promoted"),
        ("explain candidate/auth/tokens.py --format json", "the same by its path"),
        ("explain LP202", "what a code means, and how to mend it"),
    ),
    "plan": (
        ("plan", "what can move, in which order"),
        ("plan --from candidate --to core --top 20", "the twenty that unlock most"),
        ("plan --format json --output plan.json", "the plan that `apply` carries out"),
        ("plan --only 'candidate.auth.*'", "these modules and what they need"),
    ),
    "unlocks": (
        ("unlocks", "the fixes that free the most modules"),
        ("unlocks --from candidate --format json", "of one lane, for a program"),
    ),
    "diff": (("diff old.json new.json", "what a new plan does otherwise"),),
    "forecast": (
        ("forecast plan.json --workers 4", "how long a plan takes with four workers"),
        ("forecast", "of the plan that `plan` would make now"),
    ),
    "trend": (
        ("trend --since '26 weeks' --every week", "how far the lanes have come"),
        ("trend --every merge --format csv --output trend.csv", "for a spreadsheet"),
    ),
    "report": (
        ("report --html lanes.html", "all of it, as a page to look at"),
        ("report --html lanes.html --from candidate --to core", "with the plan of one hop"),
        ("report --html lanes.html --since '26 weeks'", "with how the lanes changed"),
    ),
    "promote": (
        ("promote candidate.auth core", "a dry run: what would change"),
        ("promote candidate/auth/tokens.py core --analyze-only", "whether it can move"),
        ("promote candidate.auth core --apply", "do it, on a branch of its own"),
        ("promote candidate.auth core --apply --pr", "and open a pull request"),
    ),
    "apply": (
        ("apply plan.json", "carry a plan out, one commit a step"),
        ("apply plan.json --steps 10", "its first ten steps"),
        ("apply plan.json --mode stack --pr --workers 4", "a pull request a batch"),
    ),
    "resume": (("resume", "go on with what was interrupted"),),
    "rollback": (
        ("rollback", "undo the last run"),
        ("rollback s0003 --pr", "take a merged step back, by a pull request"),
    ),
    "shims": (("shims", "old names that still work, and who uses them"),),
    "status": (
        ("status", "the runs of this repository"),
        ("status --follow", "beside a run: how far it is"),
    ),
    "log": (("log --format json", "every promotion that stands, for a program"),),
    "verify": (("verify", "the import graph beside grimp's"),),
    "completion": (
        ("completion bash > ~/.lane-planner.bash", "then, in ~/.bashrc: . ~/.lane-planner.bash"),
        ("completion zsh > ~/.zfunc/_lane-planner", "zsh, with ~/.zfunc in fpath"),
        ("completion fish > ~/.config/fish/completions/lane-planner.fish", "fish"),
    ),
}
"""Command → its calls, without the program's name, each with what it is for."""

_WIDTH = 76  # click indents by two more
_COLUMN = 30  # where short calls have what they are for


def epilog(name: str) -> str:
    """Return the examples of a command as the end of its help, laid out already."""
    lines = ["\b", "Examples:"]
    for call, purpose in EXAMPLES[name]:
        shown = f"  lane-planner {call}"
        purposed = f"{shown:<{_COLUMN}}  # {purpose}"
        lines += [purposed] if len(purposed) <= _WIDTH else [f"  # {purpose}", shown]
    return "\n".join(lines)
