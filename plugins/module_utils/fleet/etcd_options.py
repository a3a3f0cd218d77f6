# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The option etcd of macvlan_fleet: where the members are, and who asks them."""

from __future__ import annotations

import typing as t

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.etcd_client import Access, member_problem
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.errors import OptionsError
from ansible_collections.fleetnet.macvlan.plugins.module_utils.macvlan_host.request.problems import Problems

# A password is no book.
LONGEST_SECRET = 4096


def read_access(given: t.Mapping[str, t.Any] | None) -> Access:
    """The option as it is used; its files can be read.

    :raises OptionsError: naming every problem
    """
    if given is None:
        raise OptionsError(["store: etcd needs the option etcd, such as etcd: {members: [https://etcd1.example.com:2379]}"])
    problems = Problems()
    members = given["members"]
    if not members:
        problems.problem("etcd.members: write the URL of at least one member of etcd")
    for position, url in enumerate(members):
        problem = member_problem(url)
        problems.problem(problem and f"etcd.members[{position}]: {problem}")
    prefix = given["prefix"]
    if not (prefix.startswith("/") and prefix.endswith("/") and prefix.isprintable() and len(prefix) > 1):
        problems.problem(f"etcd.prefix: {prefix[:80]!r} must begin and end with a slash, with a name between them, such as /fleetnet/v1/")
    if (given.get("client_cert") is None) != (given.get("client_key") is None):
        problems.problem("etcd.client_cert and etcd.client_key belong together; write both, or none of them")
    for option in ("ca_cert", "client_cert", "client_key"):
        if given.get(option) is not None:
            _content(problems, f"etcd.{option}", given[option])
    password = _password(problems, given)
    problems.finish()
    ca_cert, client_cert, client_key = (given.get(option) for option in ("ca_cert", "client_cert", "client_key"))
    return Access(tuple(members), prefix, ca_cert, client_cert, client_key, given.get("user"), password)


def _password(problems: Problems, given: t.Mapping[str, t.Any]) -> str | None:
    user, password, file = (given.get(option) for option in ("user", "password", "password_file"))
    if password is not None and file is not None:
        problems.problem("write one of etcd.password and etcd.password_file, not both")
    elif user and password is None and file is None:
        problems.problem("etcd.user needs etcd.password or etcd.password_file")
    elif not user and (password is not None or file is not None):
        problems.problem(f"etcd.{'password' if file is None else 'password_file'} has no meaning without etcd.user")
    elif file is not None:
        content = _content(problems, "etcd.password_file", file)
        return content and content.rstrip("\r\n")
    return password


def _content(problems: Problems, option: str, path: str) -> str | None:
    """The beginning of a file, which can be read as text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read(LONGEST_SECRET)
    except OSError as exc:
        problems.problem(f"{option}: {path} cannot be read: {exc.strerror}")
    except ValueError:
        problems.problem(f"{option}: {path[:200]!a} is not a text file")
    return None
