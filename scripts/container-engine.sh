# shellcheck shell=bash
# To be sourced: choose_engine, for scripts that make images with docker or buildah.

# Sets `engine` to docker or buildah, and says on stderr which one it is and why. An argument that is
# not empty is the one to take; without, it is the first that works.
choose_engine() {
  local wanted=$1 docker_problem buildah_problem
  case $wanted in
    "" | docker | buildah) ;;
    *) fail "--engine must be docker or buildah, not $wanted" ;;
  esac
  docker_problem=$(problem_of_docker)
  buildah_problem=$(problem_of_buildah)
  if [[ $wanted != buildah && -z $docker_problem ]]; then
    engine=docker
  elif [[ $wanted != docker && -z $buildah_problem ]]; then
    engine=buildah
  elif [[ $wanted == docker ]]; then
    fail "$docker_problem"
  elif [[ $wanted == buildah ]]; then
    fail "$buildah_problem"
  else
    fail "neither docker nor buildah works here: $docker_problem; $buildah_problem"
  fi
  echo "with $engine${wanted:+, as asked}$([[ -n $wanted || $engine == docker ]] || echo " ($docker_problem)")" >&2
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
