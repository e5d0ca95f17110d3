#!/bin/sh
# Runs all tests in two processes, for two cores: the integration tests but those of the command
# line take as long as all others.
set -u
others=$(mktemp)
trap 'rm -f "$others"' EXIT
.venv/bin/python -m pytest $(ls -d tests/*/ | grep -v '^tests/integration/') tests/integration/cli \
    >"$others" 2>&1 &
.venv/bin/python -m pytest tests/integration --ignore=tests/integration/cli
integration=$?
wait $!
rest=$?
cat "$others"
[ "$integration" -eq 0 ] && [ "$rest" -eq 0 ]
