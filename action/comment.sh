#!/usr/bin/env bash
# Keeps one comment on the pull request up to date with the report, which is short enough for one.
# Without findings none is made.
set -euo pipefail

number=$(python3 -c '
import json, os
with open(os.environ["GITHUB_EVENT_PATH"], encoding="utf-8") as file:
    print(json.load(file).get("pull_request", {}).get("number", ""))
')
if [ -z "$number" ]; then
    echo "no pull request, no comment"
    exit 0
fi

# By its first line, which nobody sees, a report is known. No character of it means anything to jq.
read -r mark < "$LANES_REPORT"

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
if ! gh api "$@" --field "body=@$LANES_REPORT" --silent; then
    echo "::warning::lane-planner could not write its comment: has the token pull-requests: write?"
fi
