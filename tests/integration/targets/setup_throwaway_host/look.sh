#!/usr/bin/env bash
# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Prints what the kernel has in the host's own and in every named network namespace, without what changes by itself,
# and what is in the state directory.

set -euo pipefail

look() {
    "$@" -oneline -details link | sed -E 's/<[^>]*>//; s/ (state|qdisc|qlen) [^ ]+//g; s/ +/ /g'
    "$@" -oneline address show scope global
    "$@" -4 route
    "$@" -6 route | grep -v '^fe80::' || true
}

echo "the host:"
look ip
for file in /run/netns/*; do
    [ -e "$file" ] || continue
    echo "namespace ${file##*/}:"
    look ip -netns "${file##*/}"
done

echo "state directory:"
find /run/macvlan_host -printf '%M %p\n' 2>/dev/null | grep -v -e '-shm$' -e '-wal$' | sort || true
