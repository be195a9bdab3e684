"""Values of flags that end up in manifests, where nobody would look at them again."""

from __future__ import annotations

import click


def namespace_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Click callback: the name of a namespace, or nothing."""
    from headwater.machinery.names import dns1123_label_errors

    if value and (errors := dns1123_label_errors(value)):
        raise click.BadParameter(f"{value!r}: {errors[0]}")
    return value


def image_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Click callback: the name of an image, or nothing, as far as anyone but its registry can say."""
    if value and any(each.isspace() for each in value):
        raise click.BadParameter(f"{value!r} is no name of an image")
    return value
