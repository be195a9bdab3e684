#!/usr/bin/env bash
# Unpacks Debian's kubectl beside the tools, so that tests cover an old kubectl besides the one on PATH.
# Without apt nothing happens: the tests then use what is on PATH.
set -euo pipefail
cd "$(dirname "$0")/.."
target=.venv/kubectl
[ -x "$target/usr/bin/kubectl" ] && exit 0
command -v apt-get >/dev/null || exit 0
if [ "$(id -u)" = 0 ] && ! apt-cache show kubernetes-client >/dev/null 2>&1; then
  apt-get update -qq >/dev/null 2>&1 || true
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
if ! (cd "$work" && apt-get download -q kubernetes-client >/dev/null 2>&1); then
  echo "kubernetes-client can't be downloaded; testing with the kubectl on PATH only" >&2
  exit 0
fi
dpkg -x "$work"/kubernetes-client_*.deb "$target"
