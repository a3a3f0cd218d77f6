#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Usage, in the folder of a target: run.sh [ARGUMENTS OF ansible-playbook]
# Runs its playbook.yml on a throw-away host: namespaces of its own, with a parent eth0, that are gone when this ends.

set -euo pipefail

here=$(readlink /proc/self/ns/net)
if [ "${THROWAWAY_HOST_OUTSIDE:-$here}" = "$here" ]; then
    THROWAWAY_HOST_OUTSIDE=$here exec unshare --net --mount "$0" "$@"
fi

# For /run/netns and, as the tests ask for it, the state directory.
mount -t tmpfs tmpfs /run
ip link set lo up
ip link add eth0 address 02:00:00:00:00:01 type veth peer name wire
ip link set wire up
ip link set eth0 up

# Half the time, and no file of a module on the way.
export ANSIBLE_PIPELINING=true
ansible-playbook --inventory ../../inventory playbook.yml "$@"
