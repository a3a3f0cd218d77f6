# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The error for a step that the kernel refused, with what helps against it."""

from __future__ import annotations

import errno

from ..errors import KernelError
from ..steps.steps import AddAddress, AddLink, Step
from ..wire import attributes
from ..wire.kinds import kind_of
from .route_socket import reason


def step_error(step: Step, answer: attributes.Answer) -> KernelError:
    """The error to raise for a refused step."""
    return KernelError(f"cannot {step.describe()}: {reason(answer)}{_hint(step, answer.errno)}", answer.errno, step)


def _hint(step: Step, code: int) -> str:
    """Advice for common refusals."""
    if isinstance(step, AddLink):
        link, kind = step.link, kind_of(step.link)
        if code == errno.EOPNOTSUPP:
            return f"; this kernel cannot make {kind.name} links: it lacks the module {kind.kernel_module}"
        if code in kind.hints:
            beside = "any macvlan or macvtap link" if kind.takes_parent(link.mode) else "a passthru link (macvlan or macvtap)"
            return kind.hints[code].format(link=link, beside=beside)
        if code == errno.EEXIST:
            return f"; the name {link.name} is taken"
    if code == errno.EADDRINUSE and isinstance(step, AddAddress):
        return "; another ipvlan link on the same parent, maybe in another namespace, has this address"
    if code == errno.EADDRINUSE:
        return "; another link on the same parent, maybe in another namespace, has this MAC address"
    return ""
