"""The demo command: the whole line in under a minute, then the commands to go on by hand."""

from __future__ import annotations

import os
import time
from pathlib import Path

import click

from headwater.cli.failure import command_body


@click.command(help="See the whole line at work with simulated pclusters.")
@click.option("--root-directory", type=click.Path(path_type=Path), default=Path(".demo"), show_default=True,
              help="Where the demo keeps its files; emptied first.")  # fmt: skip
@click.option("--keep", is_flag=True, default=lambda: os.environ.get("KEEP", "") not in ("", "0"),
              help="Leave everything running (also KEEP=1).")  # fmt: skip
@command_body
async def demo(root_directory: Path, keep: bool) -> None:
    """Run the scenario, and stop everything whatever happens."""
    from headwater.cli.demo.processes import Processes
    from headwater.cli.demo.scenario import Scenario

    started = time.monotonic()
    processes = Processes(root_directory / "logs")
    scenario = Scenario(root_directory, processes)
    finished = False
    try:
        await scenario.run()
        finished = True
    finally:
        await scenario.close()
        if not (keep and finished):
            await processes.stop()
    click.echo(f"\nThat took {time.monotonic() - started:.0f} s.")
    if keep:
        click.echo(scenario.how_to_go_on(processes.pids()))
    else:
        click.echo("Everything is stopped. Run it again with KEEP=1 to go on by hand from here.")
