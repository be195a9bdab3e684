#!/usr/bin/env bash
# Installs Kubernetes' client for Node into .venv/nodeclient, for the end-to-end tests; nothing to do when it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.4.0
target=.venv/nodeclient
[ -f "$target/installed-$version" ] && exit 0
mkdir -p "$target"
npm install --prefix "$target" --no-save --no-audit --no-fund --loglevel=error "@kubernetes/client-node@$version"
touch "$target/installed-$version"
