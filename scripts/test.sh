#!/bin/sh
# Runs all tests in two processes, for two cores: the integration tests take as long as all others.
set -u
others=$(mktemp)
trap 'rm -f "$others"' EXIT
.venv/bin/python -m pytest --ignore=tests/integration >"$others" 2>&1 &
.venv/bin/python -m pytest tests/integration
integration=$?
wait $!
rest=$?
cat "$others"
[ "$integration" -eq 0 ] && [ "$rest" -eq 0 ]
