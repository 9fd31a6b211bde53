# shellcheck shell=bash
# To be sourced: choose_engine, for scripts that make images with docker or buildah.

# Sets `engine` to the first of docker and buildah that works, or to the one that is asked for, and says
# on stderr which one it is and what keeps the one before from being it.
choose_engine() {
  local wanted=$1 problem problems=
  case $wanted in
    "" | docker | buildah) ;;
    *) fail "--engine must be docker or buildah, not $wanted" ;;
  esac
  for engine in ${wanted:-docker buildah}; do
    problem=$(problem_of_"$engine")
    if [[ -z $problem ]]; then
      echo "with $engine${problems:+ ($problems)}" >&2
      return
    fi
    problems+=${problems:+; }$problem
  done
  fail "$problems"
}

problem_of_docker() {
  local said
  if ! command -v docker >/dev/null; then
    echo "docker is not installed"
  elif ! said=$(docker version 2>&1 >/dev/null); then
    echo "docker has no daemon ($said)"
  fi
}

problem_of_buildah() {
  command -v buildah >/dev/null || echo "buildah is not installed"
}

fail() {
  echo "${0##*/}: $1" >&2
  exit 1
}
