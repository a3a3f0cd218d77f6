# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Members of etcd, Debian's etcd-server, on the loopback of a machine: unpacked in a cache, never installed."""

from __future__ import annotations

import base64
import functools
import json
import subprocess
import typing as t
from pathlib import Path

from .machine import Machine, wait_until
from .unpacked import SUITE, in_cache

PREFIX = "/fleetnet/v1/"
USER, PASSWORD = "fleet", "a secret of the fleet"
# What makes an authority, a certificate of the members, and one of their clients, which has no name.
CERTIFICATES = """
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout ca.key -out ca.crt -subj /O=fleet
for name in member client other; do
    openssl req -newkey rsa:2048 -nodes -keyout $name.key -out $name.csr -subj "$([ $name = other ] && echo /CN=other || echo /O=$name)"
    printf 'subjectAltName=IP:127.0.0.1\\nextendedKeyUsage=serverAuth,clientAuth\\n' >$name.ext
    openssl x509 -req -in $name.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -out $name.crt -extfile $name.ext
done
"""


@functools.cache
def program(suite: str) -> Path:
    """The program of Debian's package, which needs nothing but the C library."""
    return in_cache("etcd", ("etcd-server",), suite=suite) / "usr/bin/etcd"


class Cluster:
    """Members that know each other, with TLS and users if that is asked for; they end with the machine.

    :param suite: of Debian, whose release of etcd it is
    """

    def __init__(self, machine: Machine, folder: Path, members: int = 1, tls: bool = False, suite: str = SUITE) -> None:
        self._machine, self._folder, self._count = machine, folder, members
        self._program = program(suite)
        self._scheme = "https" if tls else "http"
        self._tls = tls
        if tls:
            subprocess.run(["sh", "-euc", CERTIFICATES], cwd=folder, check=True, capture_output=True)
        self._processes: dict[int, subprocess.Popen[str]] = {}
        for number in range(members):
            self.start(number)
        self.wait_until_healthy()

    @property
    def urls(self) -> list[str]:
        return [self.url(number) for number in range(self._count)]

    def url(self, number: int) -> str:
        return f"{self._scheme}://127.0.0.1:{2379 + 10 * number}"

    def options(self, **more: t.Any) -> dict[str, t.Any]:
        """The option etcd of a task."""
        files = {key: str(self._folder / name) for key, name in (("ca_cert", "ca.crt"), ("client_cert", "client.crt"), ("client_key", "client.key"))}
        return {"members": self.urls, "prefix": PREFIX, **(files if self._tls else {}), **more}

    def start(self, number: int) -> None:
        """Start a member, also one that was killed."""
        peers = [f"m{other}=http://127.0.0.1:{2380 + 10 * other}" for other in range(self._count)]
        argv = [str(self._program), f"--name=m{number}", f"--data-dir={self._folder / f'm{number}'}", "--initial-cluster-state=new"]
        if self._count == 1:
            # A member of several that is killed must have what it has promised to the others.
            argv.append("--unsafe-no-fsync")
        argv += [f"--initial-cluster={','.join(peers)}", f"--listen-peer-urls=http://127.0.0.1:{2380 + 10 * number}"]
        argv += [f"--initial-advertise-peer-urls=http://127.0.0.1:{2380 + 10 * number}"]
        argv += [f"--listen-client-urls={self.url(number)}", f"--advertise-client-urls={self.url(number)}"]
        if self._tls:
            files = [f"--{word}-file={self._folder / name}" for word, name in (("cert", "member.crt"), ("key", "member.key"), ("trusted-ca", "ca.crt"))]
            argv += [*files, "--client-cert-auth"]
        log = (self._folder / f"m{number}.log").open("a")
        self._processes[number] = self._machine.start(argv, stdout=log, stderr=subprocess.STDOUT)

    def kill(self, number: int) -> None:
        self._processes[number].kill()
        self._processes[number].wait()

    def signal(self, number: int, signal: int) -> None:
        self._processes[number].send_signal(signal)

    def wait_until_healthy(self) -> None:
        for number in range(self._count):
            wait_until(lambda number=number: self.is_healthy(number), f"member {number} of etcd is not up: {self.said(number)}")

    def said(self, number: int) -> str:
        return (self._folder / f"m{number}.log").read_text(encoding="utf-8", errors="replace")[-2000:]

    def is_healthy(self, number: int) -> bool:
        done = self.curl(number, "/health", check=False)
        return '"health":"true"' in done

    def curl(self, number: int, path: str, body: t.Any = None, check: bool = True) -> str:
        files = ["--cacert", "ca.crt", "--cert", "client.crt", "--key", "client.key"] if self._tls else []
        data = [] if body is None else ["--data", json.dumps(body)]
        argv = ["curl", "--silent", "--max-time", "5", "--noproxy", "*", *files, *data, f"{self.url(number)}{path}"]
        return self._machine.run(["sh", "-c", 'cd "$0" && exec "$@"', str(self._folder), *argv], check=check).stdout

    def put(self, key: str, value: str) -> None:
        """Write a value below the prefix, past the collection."""
        body = {name: base64.b64encode(text.encode()).decode() for name, text in (("key", PREFIX + key), ("value", value))}
        self.curl(0, "/v3/kv/put", body)

    def add_users(self) -> None:
        """A user that may write below the prefix, and no others without a name."""
        for path, body in (
            ("user/add", {"name": "root", "password": "root"}),
            ("role/add", {"name": "root"}),
            ("user/grant", {"user": "root", "role": "root"}),
            ("user/add", {"name": USER, "password": PASSWORD}),
            ("user/add", {"name": "stranger", "password": PASSWORD}),
            ("role/add", {"name": "fleet"}),
            # /fleetnet/v1/ to /fleetnet/v10
            (
                "role/grant",
                {"name": "fleet", "perm": {"permType": "READWRITE", "key": "L2ZsZWV0bmV0L3YxLw==", "range_end": "L2ZsZWV0bmV0L3YxMA=="}},
            ),
            ("user/grant", {"user": USER, "role": "fleet"}),
            ("enable", {}),
        ):
            self.curl(0, f"/v3/auth/{path}", body)
