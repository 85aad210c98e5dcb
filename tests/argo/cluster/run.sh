#!/usr/bin/env bash
# Runs the tests that need Argo itself on a control plane of this machine, and ends it again. README.md says what it takes.
#   run.sh FOLDER [pytest's arguments…]      (from the repository's root, as root)
set -euo pipefail
folder=$(mkdir -p "$1" && cd "$1" && pwd)
shift
trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
tests/argo/cluster/control-plane.sh "$folder" > "$folder/control-plane.log" 2>&1 &
control_plane=$!
until grep -qs '^ready' "$folder/control-plane.log"; do
  kill -0 "$control_plane" 2>/dev/null || { tail -20 "$folder/control-plane.log" >&2; exit 1; }
  sleep 2
done
kubeconfig="$folder/admin.kubeconfig"
PYTHONPATH=. .venv/bin/python -m tests.argo.cluster.nodes --kubeconfig "$kubeconfig" --namespace jetstream \
  --executable jetstream-argo="$PWD/.venv/bin/jetstream-argo" > "$folder/nodes.log" 2>&1 &
JETSTREAM_TEST_KUBECONFIG="$kubeconfig" JETSTREAM_TEST_NAMESPACE=jetstream JETSTREAM_TEST_ACCOUNT=jetstream-run \
  .venv/bin/pytest -q -m cluster tests/argo/test_cluster.py "$@"
