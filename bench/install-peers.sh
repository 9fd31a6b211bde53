#!/usr/bin/env bash
# Installs what the benchmark compares with: servers from Debian (as root), libraries from npm into
# bench/peers. Nothing of it is a dependency of the product, and nothing is left running.
set -euo pipefail
cd "$(dirname "$0")/peers"

DEBIAN_PACKAGES=(nginx libnginx-mod-nchan nats-server mosquitto redis-server)
POLICY=/usr/sbin/policy-rc.d

if ! dpkg --status "${DEBIAN_PACKAGES[@]}" >/dev/null 2>&1; then
  if [[ ! -e $POLICY ]]; then
    # Debian's packages start their servers unless this refuses; 101 is "forbidden by policy".
    trap 'rm -f "$POLICY"' EXIT
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod +x "$POLICY"
  fi
  apt-get update -q
  DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends "${DEBIAN_PACKAGES[@]}"
fi

# Install scripts are not needed: uWebSockets.js brings its binaries.
npm ci --ignore-scripts --no-audit --no-fund
