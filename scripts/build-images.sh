#!/usr/bin/env bash
set -euo pipefail

root=$(realpath "$(dirname "$0")/..")
source "$root/scripts/container-engine.sh"

usage() {
  cat <<'END'
scripts/build-images.sh [flags] [push-manager] [connect-node] [deletion-cost] [-- flags of the engine]

Builds the images that are named, or all three, with docker (if its daemon answers) or buildah, and
prints their whole names on stdout. What follows -- is for `docker build` or `buildah bud`.

  --tag TAG          default: the version in package.json
  --repository NAME  what stands before these names; default: localhost/pushcast
  --base IMAGE       another base image: one with Node 20.11 or later and npm
  --engine ENGINE    docker or buildah
  --npmrc FILE       npm's settings, by which it reaches its registry; default: the user's, if any
  --npm-ca FILE      CA certificates for npm; default: those that npm uses here, if it has settings
                     for it. Neither file gets into the image
END
}

# What npm uses on this machine, if there is one and it has such a file.
npm_file() {
  local file
  command -v npm >/dev/null || return 0
  file=$(npm config get "$1" 2>/dev/null)
  [[ ! -r $file ]] || echo "$file"
}

add_secret() {
  [[ -n $2 ]] || return 0
  [[ -r $2 ]] || fail "--$1: cannot read $2"
  flags+=(--secret "id=$1,src=$(realpath "$2")")
}

dockerfile_of() {
  case $1 in
    deletion-cost) echo infra/deploy/Dockerfile ;;
    *) echo "services/$1/Dockerfile" ;;
  esac
}

version=$(sed -n 's/^  "version": "\(.*\)",$/\1/p' "$root/package.json")
tag=$version
repository=localhost/pushcast
wanted_engine=
npmrc=$(npm_file userconfig)
npm_ca=$(npm_file cafile)
programs=()
flags=()

while (($# > 0)); do
  case $1 in
    --help) usage && exit ;;
    --) shift && flags+=("$@") && break ;;
    push-manager | connect-node | deletion-cost) programs+=("$1") && shift && continue ;;
    --*) (($# > 1)) || fail "$1 needs a value" ;;
  esac
  case $1 in
    --tag) tag=$2 ;;
    --repository) repository=$2 ;;
    --base) flags+=(--build-arg "BASE=$2") ;;
    --engine) wanted_engine=$2 ;;
    --npmrc) npmrc=$2 ;;
    --npm-ca) npm_ca=$2 ;;
    *) usage >&2 && fail "unknown argument $1" ;;
  esac
  shift 2
done
((${#programs[@]} > 0)) || programs=(push-manager connect-node deletion-cost)
add_secret npmrc "$npmrc"
add_secret npm-ca "$npm_ca"

cd "$root"
choose_engine "$wanted_engine"
case $engine in
  docker) export DOCKER_BUILDKIT=1 && command=(docker build) ;;
  buildah) command=(buildah bud --layers) ;;
esac

revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
[[ -z $(git status --porcelain 2>/dev/null) ]] || revision+=-changed
flags+=(--build-arg "REVISION=$revision")

for program in "${programs[@]}"; do
  image=$repository/$program:$tag
  "${command[@]}" "${flags[@]}" --tag "$image" --file "$(dockerfile_of "$program")" . >&2
  echo "$image"
done
