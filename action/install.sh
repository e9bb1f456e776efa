#!/usr/bin/env bash
# Installs the tool: what LANES_VERSION says, or the commit that the action itself is of. It gets an
# environment of its own: the job's packages stay as they are, and a Python that an operating system
# manages takes none.
set -euo pipefail

environment="${RUNNER_TEMP:?}/lane-planner/environment"
python3 -m venv "$environment"
"$environment/bin/python" -m pip install --quiet --disable-pip-version-check -- \
    "${LANES_VERSION:-$GITHUB_ACTION_PATH}"
echo "$environment/bin" >> "$GITHUB_PATH"
"$environment/bin/lane-planner" --version
