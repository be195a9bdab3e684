#!/usr/bin/env bash
# Builds a real Kubernetes API server and its controllers, for `make kubernetes`, from what Debian keeps of them:
# its source package of Kubernetes 1.20.2, its Go 1.19 and its etcd. Nothing is installed; all lies in .kubernetes/.
# Takes about ten minutes and 4 GB. Newer releases are in no Debian archive, but as kubectl only.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p .kubernetes
cd .kubernetes
[ -x bin/kube-apiserver ] && [ -x bin/kube-controller-manager ] && [ -x bin/etcd ] && exit 0
base=http://deb.debian.org/debian/pool/main/k/kubernetes
source='kubernetes_1.20.5+really1.20.2.orig.tar.gz'
digest=b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc

for tool in make rsync; do
  command -v "$tool" >/dev/null || { echo "Missing: $tool. Install it, by apt-get install $tool." >&2; exit 1; }
done
[ -f "$source" ] || curl -sSfo "$source" "$base/$source"
echo "$digest  $source" | sha256sum --check --quiet
for package in golang-1.19-go golang-1.19-src golang-github-modern-go-reflect2-dev etcd-server; do
  ls "${package}"_*.deb >/dev/null 2>&1 || apt-get download -q "$package" >/dev/null
  dpkg -x "${package}"_*.deb root
done
[ -d kubernetes-1.20.2 ] || tar xzf "$source"
# The reflect2 that Kubernetes 1.20 brings along reads the memory of maps in a way that ended with Go 1.18.
reflect2=kubernetes-1.20.2/vendor/github.com/modern-go/reflect2
rm -f "$reflect2"/*.go "$reflect2"/*.s
cp root/usr/share/gocode/src/github.com/modern-go/reflect2/*.{go,s} "$reflect2"/
rm -f "$reflect2"/*_test.go

export GOROOT="$PWD/root/usr/lib/go-1.19" GOCACHE="$PWD/cache" GOPROXY=off GO111MODULE=off
export PATH="$GOROOT/bin:$PATH"
export KUBE_GIT_VERSION=v1.20.2 KUBE_GIT_COMMIT=debian KUBE_GIT_TREE_STATE=clean KUBE_GIT_MAJOR=1 KUBE_GIT_MINOR=20
export KUBE_BUILD_PLATFORMS=linux/amd64
make --no-print-directory -C kubernetes-1.20.2 all WHAT='cmd/kube-apiserver cmd/kube-controller-manager' >build.log 2>&1 ||
  { tail -20 build.log >&2; exit 1; }
mkdir -p bin
cp kubernetes-1.20.2/_output/bin/kube-{apiserver,controller-manager} root/usr/bin/etcd bin/
