"""The completion command."""

from __future__ import annotations

import click


@click.command(
    help="Print a script that makes a shell complete commands, flags and names. For bash: "
    "`source <(headwater completion bash)`; kubectl completes `kubectl workload` and `kubectl ws` by itself."
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print click's script for the shell."""
    from click.shell_completion import get_completion_class

    from headwater.cli.main import cli

    made = get_completion_class(shell)
    assert made is not None, "click knows these shells"
    script = made(cli, {}, "headwater", "_HEADWATER_COMPLETE")
    click.echo(script.source_template % script.source_vars())
