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
    """See the flags of the same names."""

    dns_image: str = ""
    cluster_domain: str = _DOMAIN
    isolate_tenants: bool = False
    pod_cidrs: tuple[str, ...] = ()

    def arguments(self) -> list[str]:
        """The flags again, for a syncer; those that say what is so by default are left out."""
        return [
            *([f"--dns-image={self.dns_image}"] if self.dns_image else []),
            *([f"--cluster-domain={self.cluster_domain}"] if self.cluster_domain != _DOMAIN else []),
            *(["--isolate-tenants"] if self.isolate_tenants else []),
            *([f"--pod-cidrs={','.join(self.pod_cidrs)}"] if self.pod_cidrs else []),
        ]


NOTHING_FOR_TENANTS = TenantFlags()


def tenant_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the flags, and hand them over as ``tenants``."""

    @click.option("--dns-image", default="",
                  help="Image of Headwater to run a resolver for each workspace from; none by default.")  # fmt: skip
    @click.option("--cluster-domain", default=_DOMAIN, show_default=True, help="DNS domain of the pcluster.")
    @click.option("--isolate-tenants/--no-isolate-tenants", default=False, show_default=True,
                  help="Whether network policies keep workspaces apart on the pcluster.")  # fmt: skip
    @click.option("--pod-cidrs", default="", metavar="CIDR,...",
                  help="Ranges of the pcluster's pods and Services; isolated, one may reach all others.")  # fmt: skip
    @functools.wraps(command)
    def with_tenants(dns_image: str, cluster_domain: str, isolate_tenants: bool, pod_cidrs: str, **kwargs: Any) -> Any:
        if pod_cidrs and not isolate_tenants:
            raise CommandFailed("--pod-cidrs needs --isolate-tenants")
        flags = TenantFlags(dns_image, cluster_domain, isolate_tenants, _cidrs(pod_cidrs))
        return command(tenants=flags, **kwargs)

    return with_tenants


def _cidrs(text: str) -> tuple[str, ...]:
    from headwater.syncer.namespaces.policy import normal_cidr

    try:
        return tuple(normal_cidr(each) for each in text.split(",") if each.strip())
    except ValueError as error:
        raise CommandFailed(f"--pod-cidrs: {error}") from error
