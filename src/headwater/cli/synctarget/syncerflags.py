"""The flags about how a syncer runs on its pcluster, which its SyncTarget remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from headwater.base.version import VERSION
from headwater.cli.synctarget.flags import image_name, namespace_name

if TYPE_CHECKING:
    from headwater.cli.synctarget.choices import SyncerChoices

_IMAGE = f"headwater:{VERSION}"
_REPLICAS = 1


def syncer_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --namespace, --syncer-image and --replicas; the command gets None for what is not said."""
    options = (
        click.option("-n", "--namespace", default=None, callback=namespace_name,
                     help="Namespace of the syncer on the pcluster."),
        click.option("--syncer-image", default=None, show_default=_IMAGE, callback=image_name,
                     help="Image of the syncer."),
        click.option("--replicas", type=click.IntRange(0, 5), default=None, show_default=str(_REPLICAS),
                     help="Replicas of the syncer, of which one leads."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def image_of(choices: SyncerChoices) -> str:
    """The image to run; by default that of this version."""
    return choices.image or _IMAGE


def replicas_of(choices: SyncerChoices) -> int:
    """How many replicas to run."""
    return _REPLICAS if choices.replicas is None else choices.replicas
