"""The processes of the demo: started with their output in log files, awaited, and stopped in reverse order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sysconfig
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from headwater.cli.failure import CommandFailed

_STOP_SECONDS = 30.0
_LOG_LINES = 12


def headwater_command() -> str:
    """Path of the `headwater` script that belongs to this interpreter."""
    return str(Path(sysconfig.get_path("scripts")) / "headwater")


def free_port() -> int:
    """A TCP port that nothing listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(slots=True)
class Processes:
    """Running headwater processes and the folder of their logs."""

    logs: Path
    running: list[tuple[str, asyncio.subprocess.Process]] = field(default_factory=list)

    async def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start `headwater <arguments>` in a session of its own, so that it outlives this command if asked to."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with self.log(name).open("ab") as log:
            process = await asyncio.create_subprocess_exec(
                headwater_command(), *arguments,
                stdout=log, stderr=log, start_new_session=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )  # fmt: skip
        self.running.append((name, process))

    def log(self, name: str) -> Path:
        """Log file of a process."""
        return self.logs / f"{name}.log"

    def check(self) -> None:
        """Raises CommandFailed with the end of the log when a process has ended by itself."""
        for name, process in self.running:
            if process.returncode is not None:
                lines = self.log(name).read_text(errors="replace").splitlines()[-_LOG_LINES:]
                raise CommandFailed(f"{name} ended with exit code {process.returncode}:\n" + "\n".join(lines))

    def pids(self) -> dict[str, int]:
        """Process ids by name."""
        return {name: process.pid for name, process in self.running}

    async def stop(self) -> None:
        """Ask all to end, the last started first; kill what does not."""
        for name, process in reversed(self.running):
            if process.returncode is not None:
                continue
            process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()
                raise CommandFailed(f"{name} did not stop within {_STOP_SECONDS:.0f} s and was killed") from None
        self.running.clear()
