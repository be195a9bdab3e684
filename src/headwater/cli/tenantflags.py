"""The flags about what tenants get on a pcluster: names of their own, and walls between them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import click

from headwater.cli.failure import CommandFailed

_DOMAIN = "cluster.local"


@dataclass(frozen=True, slots=True)
class TenantFlags:
    """See the flags of the same names. None is what nobody has said anything about.

    What is taken back is not None: a ``dns_image`` of "", and False for ``isolate_tenants``, have the syncer remove
    what it has made for them.
    """

    dns_image: str | None = None
    cluster_domain: str | None = None
    isolate_tenants: bool | None = None
    pod_cidrs: tuple[str, ...] | None = None

    def arguments(self) -> list[str]:
        """The flags again, for a syncer; those that say what is so by default are left out."""
        isolation = {None: [], True: ["--isolate-tenants"], False: ["--no-isolate-tenants"]}[self.isolate_tenants]
        return [
            *([f"--dns-image={self.dns_image}"] if self.dns_image is not None else []),
            *([f"--cluster-domain={self.cluster_domain}"] if self.cluster_domain not in (None, _DOMAIN) else []),
            *isolation,
            *([f"--pod-cidrs={','.join(self.pod_cidrs)}"] if self.pod_cidrs else []),
        ]

    def over(self, before: TenantFlags) -> TenantFlags:
        """These where something is said, else those of before.

        An empty domain is that by default again. Raises CommandFailed for what can't be together.
        """
        isolate = before.isolate_tenants if self.isolate_tenants is None else self.isolate_tenants
        if self.pod_cidrs and not isolate:
            raise CommandFailed("--pod-cidrs needs --isolate-tenants")
        domain = before.cluster_domain if self.cluster_domain is None else self.cluster_domain
        cidrs = before.pod_cidrs if self.pod_cidrs is None else self.pod_cidrs
        return TenantFlags(
            before.dns_image if self.dns_image is None else self.dns_image,
            domain or None,
            isolate,
            (cidrs or None) if isolate else None,
        )

    def at_first(self) -> TenantFlags:
        """The same for a pcluster on which there is nothing to take back yet."""
        return TenantFlags(self.dns_image or None, self.cluster_domain, self.isolate_tenants or None, self.pod_cidrs)

    def options(self) -> dict[str, Any]:
        """The settings of a syncer that these are, by name."""
        return {
            "dns_image": self.dns_image,
            "cluster_domain": self.cluster_domain or _DOMAIN,
            "isolate_tenants": self.isolate_tenants,
            "pod_cidrs": self.pod_cidrs or (),
        }


NOTHING_FOR_TENANTS = TenantFlags()


def tenant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags, and hand them over as ``tenants``."""

    @click.option("--dns-image", default=None,
                  help="Image of Headwater to run a resolver for each workspace from; none by default, "
                  'and "" takes the resolvers away.')  # fmt: skip
    @click.option("--cluster-domain", default=None, show_default=_DOMAIN, help="DNS domain of the pcluster.")
    @click.option("--isolate-tenants/--no-isolate-tenants", default=None,
                  help="Whether network policies keep workspaces apart on the pcluster; they don't by default, "
                  "and are taken away by the second.")  # fmt: skip
    @click.option("--pod-cidrs", default=None, metavar="CIDR,...",
                  help="Ranges of the pcluster's pods and Services; isolated, one may reach all others.")  # fmt: skip
    @functools.wraps(command)
    def with_tenants(
        dns_image: str | None,
        cluster_domain: str | None,
        isolate_tenants: bool | None,
        pod_cidrs: str | None,
        **kwargs: Any,
    ) -> Any:
        if cluster_domain:
            _check_domain(cluster_domain)
        if dns_image and any(each.isspace() for each in dns_image):
            raise CommandFailed(f"--dns-image {dns_image!r} is no name of an image")
        cidrs = read_cidrs(pod_cidrs.split(",")) if pod_cidrs is not None else None
        return command(tenants=TenantFlags(dns_image, cluster_domain, isolate_tenants, cidrs), **kwargs)

    return with_tenants


def _check_domain(domain: str) -> None:
    from headwater.syncer.options import OptionsError, check_cluster_domain

    try:
        if domain != _DOMAIN:
            check_cluster_domain(domain)
    except OptionsError as error:
        raise CommandFailed(str(error)) from error


def read_cidrs(texts: list[str]) -> tuple[str, ...]:
    """Ranges of addresses as API servers write them. Raises CommandFailed."""
    from headwater.syncer.namespaces.policy import normal_cidr

    try:
        return tuple(normal_cidr(each) for each in texts if each.strip())
    except ValueError as error:
        raise CommandFailed(f"--pod-cidrs: {error}") from error
