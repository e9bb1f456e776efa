#!/usr/bin/env bash
# Installs the tool: what LANES_VERSION says, or the commit that the action itself is of.
set -euo pipefail

python3 -m pip install --quiet --disable-pip-version-check -- "${LANES_VERSION:-$GITHUB_ACTION_PATH}"
lane-planner --version
