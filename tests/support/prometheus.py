# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A Prometheus with a node exporter, both of Debian's packages, which collect a folder of files and answer queries."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import tempfile
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from .promtool import tree

EXPORTER = "usr/bin/prometheus-node-exporter"
SERVER = "usr/bin/prometheus"
# Long, because other tests run beside.
PATIENCE = 60


class Prometheus(t.NamedTuple):
    """One that scrapes the exporter each second."""

    port: int

    def query(self, expression: str) -> dict[str, float]:
        """The samples of an expression now, by their labels without those of the scrape."""
        answer = fetched(self.port, f"/api/v1/query?{urllib.parse.urlencode({'query': expression})}")
        result = json.loads(answer)["data"]["result"]
        return {shown(item["metric"]): float(item["value"][1]) for item in result}

    def wait_for(self, expression: str) -> dict[str, float]:
        """The same, once there is any sample."""
        end = time.monotonic() + PATIENCE
        while not (found := self.query(expression)):
            assert time.monotonic() < end, f"Prometheus has no sample of {expression}"
            time.sleep(0.2)
        return found


def shown(labels: t.Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()) if name not in ("__name__", "instance", "job"))


def fetched(port: int, path: str) -> str:
    """What a program on loopback answers; an exception if it does not."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
        return t.cast("str", answer.read().decode())


@contextlib.contextmanager
def prometheus(folder: Path, work: Path) -> t.Iterator[Prometheus]:
    """A Prometheus that scrapes an exporter, which has the files of a folder as they are now.

    :param work: for what they say
    """
    exporter, server = free_port(), free_port()
    scrape = {"job_name": "hosts", "scrape_interval": "1s", "scrape_timeout": "1s", "static_configs": [{"targets": [f"127.0.0.1:{exporter}"]}]}
    with tempfile.TemporaryDirectory(dir=tree() / "tmp") as name:
        kept = Path(name)
        shutil.copytree(folder, kept / "collected")
        (kept / "prometheus.yml").write_text(json.dumps({"scrape_configs": [scrape]}), encoding="utf-8")
        of_exporter = ["--collector.disable-defaults", "--collector.textfile", f"--collector.textfile.directory={inside(kept)}/collected"]
        of_server = [f"--config.file={inside(kept)}/prometheus.yml", f"--storage.tsdb.path={inside(kept)}/data"]
        with (
            running(EXPORTER, *of_exporter, f"--web.listen-address=127.0.0.1:{exporter}", port=exporter, log=work / "exporter.log"),
            running(SERVER, *of_server, f"--web.listen-address=127.0.0.1:{server}", port=server, log=work / "prometheus.log"),
        ):
            yield Prometheus(server)


def inside(path: Path) -> str:
    """A path as programs see it whose root is the tree."""
    return f"/{path.relative_to(tree())}"


@contextlib.contextmanager
def running(program: str, *arguments: str, port: int, log: Path) -> t.Iterator[None]:
    with log.open("w") as output, subprocess.Popen(["chroot", str(tree()), f"/{program}", *arguments], stdout=output, stderr=output) as process:
        try:
            wait_until_answered(process, port, log)
            yield
        finally:
            process.terminate()


def wait_until_answered(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            fetched(port, "/metrics")
            return
        except (OSError, urllib.error.URLError):
            assert process.poll() is None and time.monotonic() < end, log.read_text()
            time.sleep(0.2)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return t.cast("int", found.getsockname()[1])
