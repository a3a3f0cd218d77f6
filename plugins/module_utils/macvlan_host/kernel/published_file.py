# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Files for other programs to read, at any moment: each is replaced at once, and never half written."""

from __future__ import annotations

import contextlib
import os
import tempfile

from ..errors import FileError

MODE = 0o644


def publish(path: str, text: str) -> None:
    """Write a file that others read. Its folder must be there.

    :raises FileError: it cannot be written; what was there before is still there
    """
    try:
        replace_at_once(os.path.abspath(path), text, MODE)
    except OSError as exc:
        raise FileError(f"cannot write {path}: {exc.strerror}; its folder must be there, and this user must be allowed to write to it") from exc


def replace_at_once(path: str, text: str, mode: int) -> None:
    """Write a file beside its place, and then move it there.

    :raises OSError: it cannot be written; what was there before is still there
    """
    # The collector of node_exporter reads what ends in .prom, which this does not.
    descriptor, beside = tempfile.mkstemp(prefix=".macvlan-", dir=os.path.dirname(path))
    try:
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(descriptor, mode)
        os.replace(beside, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(beside)
        raise
