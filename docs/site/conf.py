# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How Sphinx turns what antsibull-docs has written into the site."""

from __future__ import annotations

import typing as t

from docutils import nodes

# Labels of Ansible's own documentation, which is not read for them: the site is built without a network.
ELSEWHERE = {
    "action_plugins": "https://docs.ansible.com/ansible/latest/plugins/action.html",
    "common_return_values": "https://docs.ansible.com/ansible/latest/reference_appendices/common_return_values.html",
}

project = "fleetnet.macvlan"
title = html_short_title = project
project_copyright = "2026 The fleetnet.macvlan authors"
extensions = ["sphinx_antsibull_ext"]
# No module or role here reads an environment variable.
exclude_patterns = ["environment_variables.rst"]
nitpicky = True

highlight_language = "YAML+Jinja"
pygments_style = "ansible"

html_theme = "sphinx_ansible_theme"
html_theme_options = {"topbar_links": {}}
html_copy_source = False
html_show_sphinx = False
html_use_index = False


def link_elsewhere(_app: t.Any, _env: t.Any, node: t.Any, text: nodes.Element) -> nodes.reference | None:
    """Find a label that no page here has; what is in nobody's list stays a warning."""
    url = ELSEWHERE.get(node["reftarget"])
    return nodes.reference("", "", text, refuri=url) if url else None


def setup(app: t.Any) -> None:
    app.connect("missing-reference", link_elsewhere)
