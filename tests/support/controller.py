# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""As much of the API of AWX as its module for job templates asks for, inside a machine; it keeps what it is sent."""

from __future__ import annotations

import concurrent.futures
import http.server
import itertools
import json
import threading
import typing as t
import urllib.parse

from .machine import Machine
from .worker import CLONE_NEWNET, switch

ROOT = "/api/v2/"
KINDS = {"text": str, "multiplechoice": str, "integer": int}
THERE = {
    "organizations": ["networking"],
    "projects": ["macvlan"],
    "inventories": ["fleet"],
    "credentials": ["ssh", "vault of the fleet"],
    "execution_environments": ["macvlan"],
}
Item = dict[str, t.Any]


class Controller(http.server.ThreadingHTTPServer):
    """A controller that has what job templates are made of."""

    def __init__(self, machine: Machine) -> None:
        # A thread can go into another network alone, and a socket stays where it was made.
        with concurrent.futures.ThreadPoolExecutor(1) as thread:
            thread.submit(self._listen_inside, machine.pid).result()
        self.items: dict[str, dict[int, Item]] = {"job_templates": {}}
        self.surveys: dict[int, Item] = {}
        self.linked: set[tuple[int, str, int]] = set()
        numbers = itertools.count(1)
        for endpoint, names in THERE.items():
            found = [{"id": next(numbers), "name": name} for name in names]
            self.items[endpoint] = {item["id"]: item for item in found}

    def __enter__(self) -> t.Self:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_exc_info: object) -> None:
        self.shutdown()
        self.server_close()

    def _listen_inside(self, pid: int) -> None:
        with open(f"/proc/{pid}/ns/net", "rb") as network:
            switch([(CLONE_NEWNET, network.fileno())])
        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def templates(self) -> dict[str, Item]:
        """The job templates by their names, each with its survey."""
        found = self.items["job_templates"].items()
        return {item["name"]: {**item, "survey_spec": self.surveys.get(number)} for number, item in found}

    def number(self, endpoint: str, name: str) -> int:
        (number,) = (number for number, item in self.items[endpoint].items() if item["name"] == name)
        return number

    def answer(self, method: str, path: str, query: dict[str, str], body: Item) -> tuple[int, t.Any]:
        endpoint, *rest = path.removeprefix(ROOT).strip("/").split("/")
        if not endpoint or endpoint == "ping":
            return 200, {}
        items = self.items[endpoint]
        if rest[1:] == ["survey_spec"]:
            return self.answer_survey(method, int(rest[0]), body)
        if len(rest) == 2:
            return self.answer_links(method, int(rest[0]), rest[1], body)
        if rest:
            items[int(rest[0])].update(body)
            return 200, items[int(rest[0])]
        if method == "POST":
            return 201, self.add_template(body)
        found = [item for item in items.values() if item["name"] == query["name"]]
        return 200, {"count": len(found), "results": found, "next": None}

    def add_template(self, body: Item) -> Item:
        number = 100 + len(self.items["job_templates"])
        url = f"{ROOT}job_templates/{number}/"
        related = {"survey_spec": f"{url}survey_spec/"}
        item = {"id": number, "type": "job_template", "url": url, "related": related, **body}
        self.items["job_templates"][number] = item
        return item

    def answer_survey(self, method: str, number: int, body: Item) -> tuple[int, t.Any]:
        if method == "GET":
            return 200, self.surveys.get(number, {})
        check_survey(body)
        self.surveys[number] = body
        return 200, {}

    def answer_links(self, method: str, number: int, kind: str, body: Item) -> tuple[int, t.Any]:
        if method == "POST":
            self.linked.add((number, kind, body["id"]))
            return 204, None
        found = [{"id": other} for template, linked, other in self.linked if (template, linked) == (number, kind)]
        return 200, {"count": len(found), "results": found, "next": None}


def check_survey(survey: Item) -> None:
    """Refuse what a controller would."""
    assert isinstance(survey["name"], str) and isinstance(survey["description"], str)
    variables = [question["variable"] for question in survey["spec"]]
    assert variables and len(variables) == len(set(variables))
    for question in survey["spec"]:
        kind, default = KINDS[question["type"]], question["default"]
        assert isinstance(question["question_name"], str) and isinstance(question["required"], bool), question
        assert default == "" or isinstance(default, kind), question
        assert all(isinstance(question.get(limit, 0), int) for limit in ("min", "max")), question
        if question["type"] == "multiplechoice":
            assert all(isinstance(choice, str) and choice.strip() for choice in question["choices"]), question
            assert default in ("", *question["choices"]), question


class Handler(http.server.BaseHTTPRequestHandler):
    """Hands requests to the controller."""

    server: Controller

    def handle_any(self) -> None:
        asked = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else {}
        try:
            status, said = self.server.answer(self.command, asked.path, dict(urllib.parse.parse_qsl(asked.query)), body)
        except (AssertionError, KeyError) as problem:
            status, said = 400, {"error": repr(problem), "detail": repr(problem)}
        self.send_response(status)
        text = b"" if said is None else json.dumps(said).encode()
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 the names are those of http.server

    def log_message(self, *dummy: object) -> None:
        """Nothing; a test says what it looks at."""
