#!/usr/bin/env bash
# Keeps one comment on the pull request up to date with the report. Without findings none is made.
set -euo pipefail

mark="<!-- lane-planner -->"
number=$(python3 -c '
import json, os
with open(os.environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
    print(json.load(file).get("pull_request", {}).get("number", ""))
')
if [ -z "$number" ]; then
    echo "no pull request, no comment"
    exit 0
fi

body="${RUNNER_TEMP:?}/lane-planner-comment.md"
# GitHub takes 65,536 characters.
python3 -c '
import sys
mark, source, target = sys.argv[1:]
with open(source, encoding="utf-8") as file:
    text = file.read()
if len(text) > 60_000:
    text = text[:60_000].rpartition("\n")[0] + "\n\n… and more: see the summary of the job.\n"
with open(target, "w", encoding="utf-8") as file:
    file.write(f"{mark}\n{text}")
' "$mark" "$LANES_REPORT" "$body"

# A token of a fork may not write: then it is said, and the check goes on.
comments="repos/$GITHUB_REPOSITORY/issues/$number/comments"
if ! earlier=$(gh api --paginate "$comments" \
    --jq ".[] | select(.body | startswith(\"$mark\")) | .id"); then
    echo "::warning::lane-planner could not read the comments of the pull request"
    exit 0
fi
earlier=${earlier%%$'\n'*}
if [ -n "$earlier" ]; then
    set -- --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/$earlier"
elif [ "$LANES_CODE" = 0 ]; then
    echo "nothing is new, and nothing was said before"
    exit 0
else
    set -- --method POST "$comments"
fi
if ! gh api "$@" --field "body=@$body" --silent; then
    echo "::warning::lane-planner could not write its comment: has the token pull-requests: write?"
fi
