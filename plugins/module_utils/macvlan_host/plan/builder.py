# SPDX-FileCopyrightText: 2026 The fleetnet.macvlan authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The builder of a plan: record and kernel as they will be, and the steps that lead there."""

from __future__ import annotations

import collections
import functools
import typing as t

from ..compare.host_identity import identity_now, without_certain
from ..compare.parent_links import with_identities
from ..errors import PYROUTE2, MissingLibraryError, PlanError
from ..ipam.lease_book import Leases, RecordedLeases, held_by, reservations
from ..model.endpoint import Endpoint
from ..model.host_identity import HostIdentity
from ..model.host_view import HostView, Key, NetnsKey
from ..model.kernel import Kernel
from ..model.links import OwnedLink, SubInterface
from ..model.netns import Netns, OwnedNetns
from ..model.network import Network
from ..model.record import Record
from ..model.ref import Ref, network_ref
from ..steps.plan import Missing, Plan
from ..wire.kinds import kind_named
from .choices import NO_CHOICES, Choices

if t.TYPE_CHECKING:
    from ..compare.claims import AddressesInUse
    from ..model.spaces import Spaces
    from ..request.endpoint import EndpointOptions
    from ..steps.steps import Step


class PlanBuilder(HostView):
    """The working state of one plan; it is not used outside of planning.

    ``networks``, ``links``, ``namespaces`` and ``endpoints`` are the record as it will be; change them through
    the ``put_`` and ``drop_`` methods, so that the leases and the indexes follow. ``coming``
    is identity → request for all objects that the plan describes; ``adopts`` is whether a task names objects, so
    that a VLAN link which lost its tag may be treated as ours; ``addresses_in_use`` is collected once for the whole plan.
    ``pending`` are the declared objects that are not planned yet; ``originals`` the recorded objects of which an earlier request
    has taken something, and ``new_names`` is new identity → former identity, of objects whose links may still have the tags of
    their former names. ``leaving`` is address → endpoints that have it and will not keep it, collected when it is first needed.
    ``replanned`` are endpoints without a request that must be planned again, and ``interrupted`` those whose traffic the plan
    interrupts.
    ``choices`` is what the wire has answered, and ``chosen`` are (endpoint, address) of addresses that no task requests.
    ``right`` are the endpoints that are in the kernel as they are recorded, before any step of the plan.
    ``foresees`` is whether networks that do not exist yet are assumed to be created by something else before the plan is performed,
    and ``unforeseen`` are the endpoints on such networks.
    ``resolvers_to_settle`` is name of a namespace → an endpoint in it, where the file of name servers is to be compared.
    """

    def __init__(
        self,
        recorded: Record,
        kernel: Kernel,
        new_names: t.Mapping[Ref, Ref] | None = None,
        choices: Choices = NO_CHOICES,
    ) -> None:
        super().__init__(recorded, kernel)
        self.new_names = new_names or {}
        self.pending: dict[Ref, t.Any] = {}
        self.followed: dict[str, Network] = {}
        self.retired: dict[str, SubInterface] = {}
        self.originals: dict[Ref, Network | Endpoint] = {}
        self.replanned: dict[Key, None] = {}
        self.leaving: dict[str, list[Key]] | None = None
        self.interrupted: dict[Ref, None] = {}
        self.choices = choices
        self.chosen: set[tuple[Ref, str]] = set()
        self.right: set[Ref] = set()
        self._leases: Leases | None = None
        self.coming: dict[Ref, t.Any] = {}
        self.foresees = False
        self.adopts = True
        self.unforeseen: dict[Key, EndpointOptions] = {}
        self.resolvers_to_settle: dict[str, Endpoint] = {}
        self.addresses_in_use: AddressesInUse | None = None
        self.steps: list[Step] = []
        self.missing: dict[Ref, Missing] = {}
        self._warnings: dict[str, None] = {}
        self._expected_links: collections.Counter[str] = collections.Counter()
        self.expected_subnets: tuple[str, ...] = ()
        self._expected_netns: collections.Counter[NetnsKey] = collections.Counter()

    @functools.cached_property
    def identity(self) -> HostIdentity:
        """The identity of this host, recorded or not."""
        return identity_now(self.recorded.identity, self.kernel)

    @property
    def leases(self) -> Leases:
        """Who holds which address."""
        if self._leases is None:
            self._leases = Leases(RecordedLeases(self.networks, self.endpoints))
        return self._leases

    @property
    def warnings(self) -> tuple[str, ...]:
        """The warnings, each once."""
        return tuple(self._warnings)

    # The record as it will be

    def expect(self, links: t.Iterable[str], spaces: t.Iterable[Netns], times: int = 1) -> None:
        """Keep links and namespaces that lose their last user, because a later request of the plan uses them.

        :param times: the number of new uses, negative for uses that end
        """
        for link in links:
            self._expected_links[link] += times
        for netns in spaces:
            self._expected_netns[self._netns_key(netns)] += times

    def expect_subnets(self, subnets: t.Iterable[str]) -> None:
        """Choose none of these for a network, because a later request of the plan names them."""
        self.expected_subnets += tuple(subnets)

    def is_expected(self, link: str) -> bool:
        return self._expected_links[link] > 0

    def is_netns_expected(self, netns: Netns) -> bool:
        return self._expected_netns[self._netns_key(netns)] > 0

    def do(self, *steps: Step) -> None:
        """Add steps; later planning sees the kernel's state after them."""
        for step in steps:
            self.steps.append(step)
            _follow()(self._spaces, step)

    def undo(self, steps: int) -> None:
        """Drop the steps after the first ones, and undo them in the simulation."""
        if len(self.steps) == steps:
            return
        from ..steps.steps import inverse

        for step in inverse(self.steps[steps:]):
            _follow()(self._spaces, step)
        del self.steps[steps:]

    def warn(self, text: str) -> None:
        self._warnings[text] = None

    def put_network(self, network: Network) -> None:
        """Record a network; the leases of its endpoints follow it to another parent and other subnets."""
        leases = self.leases
        before = self.networks.get(network.name)
        endpoints = []
        if before is not None:
            if (before.parent, before.subnets) != (network.parent, network.subnets):
                endpoints = self.endpoints_of(network.name)
            for endpoint in endpoints:
                self.drop_endpoint(endpoint.key)
            leases.release(reservations(before))
            del self._networks_on[before.parent][network.name]
        self.networks[network.name] = network
        self._networks_on.setdefault(network.parent, {})[network.name] = network
        leases.take(reservations(network))
        for endpoint in endpoints:
            self.put_endpoint(endpoint)

    def original_network(self, name: str) -> Network | None:
        """A recorded network as it was before earlier requests took something of it."""
        original = self.originals.get(network_ref(name))
        return self.networks.get(name) if original is None else t.cast("Network", original)

    def original_endpoint(self, key: Key) -> Endpoint | None:
        """A recorded endpoint as it was before earlier requests took something of it."""
        endpoint = self.endpoints.get(key)
        original = self.originals.get(endpoint.ref) if endpoint is not None and self.originals else None
        return endpoint if original is None else t.cast("Endpoint", original)

    def drop_network(self, name: str) -> None:
        leases = self.leases
        network = self.networks.pop(name)
        del self._networks_on[network.parent][name]
        leases.release(reservations(network))

    def put_endpoint(self, endpoint: Endpoint) -> None:
        self.drop_endpoint(endpoint.key)
        leases = self.leases
        self.endpoints[endpoint.key] = endpoint
        self._note_endpoint(endpoint)
        leases.take(held_by(endpoint, self.networks[endpoint.network]))

    def drop_endpoint(self, key: Key) -> None:
        """Forget an endpoint, if it is known, and free its addresses."""
        leases = self.leases
        before = self.endpoints.pop(key, None)
        if before is not None:
            for index in self._indexes(before):
                del index[key]
            leases.release(held_by(before, self.networks[before.network]))

    def put_link(self, link: OwnedLink) -> None:
        before = self.links.get(link.name)
        if isinstance(before, SubInterface):
            del self._subinterfaces_on[before.parent][link.name]
        self._note_link(link)

    def drop_link(self, name: str) -> None:
        link = self.links.pop(name)
        if isinstance(link, SubInterface):
            del self._subinterfaces_on[link.parent][name]

    def put_namespace(self, namespace: OwnedNetns) -> None:
        self._note_namespace(namespace)

    def drop_namespace(self, name: str) -> None:
        del self.namespaces[name]
        del self._owned_at[self._netns_key(Netns("name", name))]

    def touch_resolver(self, endpoint: Endpoint | None, is_removed: bool = False) -> None:
        """Have the file of the namespace of an endpoint compared after all requests, if it has or had name servers.

        :param is_removed: whether the endpoint goes, and with it the file of one whose record was lost
        """
        if endpoint is None:
            return
        if endpoint.dns is not None or is_removed and endpoint.netns.kind == "name" and self.resolver(endpoint.netns.value).content is not None:
            self.resolvers_to_settle[endpoint.netns.value] = endpoint

    def finish(self, removal: bool, before: Record | None = None) -> Plan:
        """The plan, after all requests were worked in.

        :param before: the record as it is stored, if the plan was made for another one
        """
        identity = without_certain(self.identity, self.endpoints.values())
        after = Record(self.networks, self.links, self.namespaces, self.endpoints, identity)
        after = with_identities(after, self.recorded, self.host, self.kernel.boot_id)
        missing, interrupted = tuple(self.missing.values()), tuple(self.interrupted)
        before = self.recorded if before is None else before
        return Plan(tuple(self.steps), before, after, self.warnings, removal, self, self.leases, missing, interrupted, frozenset(self.chosen), self.right)


@functools.cache
def _follow() -> t.Callable[[Spaces, Step], None]:
    """The function that simulates a step, imported with the first step of a plan."""
    from ..steps.simulate import follow

    return follow


def require_kind(builder: PlanBuilder, kind: str, what: str) -> None:
    """Refuse requests for links of a kind that this kernel cannot create.

    :raises PlanError: naming the kernel module
    """
    if kind in builder.kernel.missing_kinds:
        module = kind_named(kind).kernel_module
        raise PlanError(f"cannot {what}: this kernel has no {kind} links; it lacks the module {module}")


def require_pyroute2(builder: PlanBuilder) -> None:
    """Refuse steps that need pyroute2 if it is not installed.

    :raises MissingLibraryError: always then
    """
    if not builder.kernel.has_pyroute2:
        raise MissingLibraryError(PYROUTE2)
