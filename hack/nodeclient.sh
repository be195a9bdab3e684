#!/usr/bin/env bash
# Installs Kubernetes' client for Node beside the tools, so that tests cover it.
# Without Node, npm or npm's registry nothing happens: the tests of that client are left out then.
set -euo pipefail
cd "$(dirname "$0")/.."
version=1.4.0
target=.venv/nodeclient
[ -f "$target/installed-$version" ] && exit 0
command -v node >/dev/null && command -v npm >/dev/null || exit 0
rm -rf "$target"
mkdir -p "$target"
if ! timeout 120 npm install --prefix "$target" --no-save --no-audit --no-fund --loglevel=error \
  "@kubernetes/client-node@$version" >"$target/log" 2>&1; then
  echo "@kubernetes/client-node can't be installed, see $target/log; testing without it" >&2
  exit 0
fi
touch "$target/installed-$version"
