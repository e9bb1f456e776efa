#!/usr/bin/env bash
# Checks LANES_ROOT once for each reader: annotations on standard output, a summary of the job, and,
# if LANES_SARIF is true, a file for code scanning. Findings do not fail this step: what tells them
# to people comes after it, and then the verdict.
set -euo pipefail

work="${RUNNER_TEMP:?}/lane-planner"
mkdir -p "$work"
# Options are split at blanks and line ends and nothing else: no shell reads them.
read -r -d "" -a options < <(printf '%s\0' "${LANES_ARGS:-}")

check() {
    local code=0
    lane-planner check --root "${LANES_ROOT:-.}" ${options[@]+"${options[@]}"} "$@" || code=$?
    if [ "$code" -gt 1 ]; then
        exit "$code" # it could not check; it has said why
    fi
    found=$code
}

check --format github
check --format markdown --output "$work/report.md"
cat "$work/report.md" >> "$GITHUB_STEP_SUMMARY"
{
    echo "exit-code=$found"
    echo "report=$work/report.md"
} >> "$GITHUB_OUTPUT"
if [ "${LANES_SARIF:-}" = true ]; then
    check --format sarif --output "$work/lane-planner.sarif"
    echo "sarif=$work/lane-planner.sarif" >> "$GITHUB_OUTPUT"
fi
