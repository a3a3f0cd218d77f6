# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How etcd is asked: by the library etcd3gw, with what that lacks, which are users and further members."""

from __future__ import annotations

import base64
import sys
import time
import typing as t
import urllib.parse

from ansible_collections.fleetnet.macvlan.plugins.module_utils.fleet.store import KEPT, StoreError

# Seconds for one question, however many members there are.
BUDGET = 2.4
LONGEST_TIMEOUT = 1.2
DEFAULT_PORT = 2379
# A token of etcd has expired, or users have changed since it was given.
_STALE = ("invalid auth token", "revision of auth store is old")

_WITH_A_NAME = (
    "the client certificate has a common name (CN), which etcd accepts from nobody over its JSON interface while it has users; make a "
    "certificate without one, and write etcd.user and etcd.password"
)


class Access(t.NamedTuple):
    """Where etcd is, and who asks.

    :ivar members: URLs
    :ivar prefix: of all keys
    :ivar ca_cert: file with the certificates that those of the members are checked by
    """

    members: tuple[str, ...]
    prefix: str
    ca_cert: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    user: str | None = None
    password: str | None = None


def member_problem(url: str) -> str | None:
    """Why a text is no URL of a member, or None."""
    try:
        parts = urllib.parse.urlsplit(url)
        is_right = parts.scheme in ("http", "https") and parts.hostname and parts.path in ("", "/") and parts.username is None and (parts.port or 1)
    except ValueError:
        is_right = False
    return None if is_right else f"{url[:80]!r} is no URL of a member of etcd such as https://etcd1.example.com:{DEFAULT_PORT}"


def encoded(text: str | bytes) -> str:
    """A key or a value as etcd has it in JSON."""
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


class EtcdClient:
    """The members of etcd; whichever answers is asked again the next time."""

    def __init__(self, access: Access) -> None:
        try:
            # Here, because only who has this store needs the library.
            import etcd3gw
            import etcd3gw.exceptions
        except ImportError as exc:
            raise StoreError(
                f"store: etcd needs the Python library etcd3gw where the task runs, and {sys.executable} does not find it; install it there: "
                f"pip install etcd3gw, or the package python3-etcd3gw (Debian, Ubuntu)"
            ) from exc
        self._errors = etcd3gw.exceptions
        self._access = access
        self._members = [(url, self._member(etcd3gw, url)) for url in access.members]
        self._token: str | None = None

    def _member(self, library: t.Any, url: str) -> t.Any:
        parts = urllib.parse.urlsplit(url)
        access = self._access
        # The path is the same from etcd 3.4 on; without it the library would ask each member for its release first.
        member = library.Etcd3Client(
            host=parts.hostname,
            port=parts.port or DEFAULT_PORT,
            protocol=parts.scheme,
            ca_cert=access.ca_cert,
            cert_cert=access.client_cert,
            cert_key=access.client_key,
            api_path="/v3/",
        )
        # Neither a proxy nor a .netrc of the environment is meant for etcd.
        member.session.trust_env = False
        return member

    def ask(self, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The answer of the first member that has one.

        :raises StoreError: there is none, or it is a refusal
        """
        end = time.monotonic() + BUDGET
        silent = []
        for dummy in range(len(self._members)):
            left = end - time.monotonic()
            if left <= 0.05:
                break
            url, member = self._members[0]
            member.timeout = min(LONGEST_TIMEOUT, left) if len(self._members) > 1 else left
            try:
                return self._answer(member, path, body)
            except (self._errors.ConnectionFailedError, self._errors.ConnectionTimeoutError, self._errors.InternalServerError) as exc:
                silent.append(f"{url} ({_reason(exc)})")
                self._members.append(self._members.pop(0))
            except self._errors.Etcd3Exception as exc:
                raise StoreError(self._refusal(url, _text(exc))) from exc
            except OSError as exc:
                raise StoreError(f"a file of the option etcd cannot be read: {exc}") from exc
        raise StoreError(f"no member of etcd has answered: {', '.join(silent)}; {KEPT}, and no host can get another slice")

    def _answer(self, member: t.Any, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        try:
            return self._post(member, path, body)
        except self._errors.Etcd3Exception as exc:
            if self._token is None or not any(words in _text(exc) for words in _STALE):
                raise
        self._token = None
        return self._post(member, path, body)

    def _post(self, member: t.Any, path: str, body: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        if self._access.user and self._token is None:
            member.session.headers.pop("Authorization", None)
            login = {"name": self._access.user, "password": self._access.password or ""}
            self._token = member.post(member.get_url("/auth/authenticate"), json=login)["token"]
        if self._token is not None:
            member.session.headers["Authorization"] = self._token
        answer: dict[str, t.Any] = member.post(member.get_url(path), json=body)
        return answer

    def _refusal(self, url: str, text: str) -> str:
        """A refusal of etcd, and what to do about it."""
        user, prefix = self._access.user, self._access.prefix
        for words, told in (
            ("invalid user ID or password", f"user {user} is not known with this password; see etcd.user and etcd.password"),
            ("authentication is not enabled", "it has no users; leave etcd.user and etcd.password out"),
            ("user name is empty", "it wants a user; write etcd.user and etcd.password"),
            ("permission denied", f"user {user} may not read and write the keys below {prefix}; give the user a role that may"),
            ("CommonName", _WITH_A_NAME),
        ):
            if words in text:
                return f"etcd at {url} has refused the task: {told}"
        return f"etcd at {url} has refused the task: {text[:300]}"


def _text(exc: t.Any) -> str:
    return str(exc.detail_text or exc)


def _reason(exc: t.Any) -> str:
    """Why a member has not answered, in a few words."""
    text = _text(exc)
    for words, told in (
        ("CERTIFICATE_VERIFY_FAILED", "its certificate is not one of etcd.ca_cert"),
        ("certificate required", "it may want a client certificate that it accepts"),
        ("bad certificate", "it may want a client certificate that it accepts"),
        ("unknown ca", "it may want a client certificate that it accepts"),
        ("EOF occurred", "it has ended TLS; it may want a client certificate that it accepts"),
        ("SSL", "TLS has failed"),
        ("refused", "connection refused"),
        ("Name or service not known", "there is no such name"),
        ("timed out", "no answer in time"),
        ("no leader", "it has no leader: most members are away"),
    ):
        if words in text:
            return told
    return text[:120]
