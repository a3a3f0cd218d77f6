# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# shellcheck shell=sh
# Usage: sh -e container_host.sh FOLDER
# The first process of a process namespace: mounts what container programs expect, says that it is ready, and waits.

folder=$1
mount -t tmpfs tmpfs /run
mkdir /run/netns
umount /sys
mount -t sysfs sysfs /sys
controllers=$(awk 'NR > 1 && $2 > 0 { print $1 }' /proc/cgroups)
if [ -z "$controllers" ]; then
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
else
    mount -t tmpfs cgroup /sys/fs/cgroup
    for controller in $controllers; do
        mkdir "/sys/fs/cgroup/$controller"
        mount -t cgroup -o "$controller" cgroup "/sys/fs/cgroup/$controller"
    done
fi
touch "$folder/ready"
exec sleep infinity
