"""Edit a SyncTarget in the editor, as `kubectl edit` does."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from headwater.cli.completing import sync_targets
from headwater.cli.failure import CommandFailed, command_body, describe
from headwater.cli.session import ConnectionFlags, Session, connection_options
from headwater.cli.synctarget.choosing import FIELD_MANAGER

if TYPE_CHECKING:
    from headwater.cli.editor import Draft
    from headwater.client.resource import ResourceClient
    from headwater.machinery.errors import StatusError
    from headwater.machinery.objects import Object

_ATTEMPTS = 10
_PATIENCE = 2, 10
_PATIENCE_WITH_PEOPLE = 10, 100
"""After so many refusals in a row for the same reasons, and after so many of all, the edit is given up."""


class _Refused(Exception):
    """The edit can't be saved as it is; the lines say why.

    After a conflict `latest` is the object to go on from, and `body` the person's changes in it.
    """

    def __init__(self, problems: list[str], latest: Object | None = None, body: str = "") -> None:
        super().__init__("\n".join(problems))
        self.problems = problems
        self.latest = latest
        self.body = body


class _Patience:
    """Ends an edit that would go on for ever, as a script that changes the file into something else each time."""

    def __init__(self, *, people: bool) -> None:
        self._most_alike, self._most = _PATIENCE_WITH_PEOPLE if people else _PATIENCE
        self._problems: list[str] = []
        self._alike = self._all = 0

    def lose(self, refusal: _Refused) -> None:
        """Count a refusal. Raises it when it is one too many."""
        self._alike = self._alike + 1 if refusal.problems == self._problems else 1
        self._all += 1
        self._problems = refusal.problems
        if self._alike >= self._most_alike or self._all >= self._most:
            raise refusal


@click.command(
    help="Change a SyncTarget in the editor that KUBE_EDITOR or EDITOR names, vi by default. What others change "
    "meanwhile is kept; where they changed the same, and where the server refuses, the file is opened again. Without a "
    "terminal that ends when the same is refused twice; a copy of the file is kept."
)
@click.argument("name", metavar="SYNC-TARGET", shell_complete=sync_targets)
@click.option("--editor", default="", help="Editor to use, with its arguments.")
@connection_options
@command_body
async def edit(connection: ConnectionFlags, name: str, editor: str) -> None:
    """Edit until it is saved, or until nothing (more) is changed."""
    from headwater.apis.sync.v1alpha1.synctarget import SYNC_TARGETS
    from headwater.cli.editor import Draft, editor_command
    from headwater.client.interface import TransportError
    from headwater.machinery.errors import StatusError

    command = editor_command(editor)
    async with Session.open(connection) as session:
        targets = session.client.resource(SYNC_TARGETS)
        original = await targets.get(name)
        draft, keep = Draft(f"headwater-edit-{name[:40]}-", command), False
        try:
            click.echo(await _edit(targets, original, draft))
        except (_Refused, StatusError, TransportError) as error:
            keep = True
            why = (
                f"{error}\nEdit cancelled, no valid changes were saved."
                if isinstance(error, _Refused)
                else describe(error)
            )
            raise CommandFailed(f"{why}\nA copy of your changes is in {draft.path}") from error
        finally:
            if not keep:
                draft.discard()


async def _edit(targets: ResourceClient, original: Object, draft: Draft) -> str:
    """What came of it, in one line. Raises _Refused when the person, or we, give up on an edit that can't be saved."""
    from headwater.base import yamlio
    from headwater.cli.synctarget.manuscript import body_of, editable, manuscript

    base, refusal = editable(original), None
    patience = _Patience(people=sys.stdin.isatty() and sys.stdout.isatty())
    body = yamlio.dump(base)
    while True:
        shown = manuscript(body, refusal.problems if refusal else ())
        written = await draft.edit(shown)
        edited = body_of(written)
        # After a conflict the changes are in the file already: to delete the comment is to insist on them.
        insisted = refusal is not None and refusal.latest is not None and written != shown
        if edited == body and not insisted:
            if refusal is not None:
                raise refusal
            return "Edit cancelled, no changes made."
        try:
            return await _save(targets, base, edited)
        except _Refused as error:
            patience.lose(error)
            refusal, body = error, error.body or edited
            base = editable(error.latest) if error.latest is not None else base


async def _save(targets: ResourceClient, base: Object, text: str) -> str:
    from headwater.base import yamlio
    from headwater.cli.synctarget.manuscript import change_between, editable, overlap, read
    from headwater.machinery.errors import Conflict, NotFound, StatusError
    from headwater.patch.mergepatch import apply_merge_patch, create_merge_patch

    try:
        edited = read(text)
        if edited is None:
            return "Edit cancelled, saved file was empty."
        patch = change_between(base, edited)
    except ValueError as error:
        raise _Refused([str(error)]) from error
    if not patch:
        return "Edit cancelled, no changes made."
    name = base["metadata"]["name"]
    for _ in range(_ATTEMPTS):
        try:
            latest = await targets.get(name)
            theirs = create_merge_patch(base, editable(latest))
            both = overlap(patch, theirs)
            if latest["metadata"]["uid"] != base["metadata"]["uid"]:
                raise _Refused([f"{_named(name)} was deleted and made again meanwhile"])
            if both:
                rebased = yamlio.dump(apply_merge_patch(editable(latest), patch))
                raise _Refused(_conflict_lines(name, both, theirs), latest, rebased)
            version = {"resourceVersion": latest["metadata"]["resourceVersion"]}
            whole = {**patch, "metadata": {**patch.get("metadata", {}), **version}}
            await targets.patch(name, whole, field_manager=FIELD_MANAGER)
            return f"{name} edited"
        except Conflict:
            continue
        except NotFound as error:
            raise _Refused([f"{_named(name)} was deleted meanwhile"]) from error
        except StatusError as error:
            raise _Refused(_refusal_lines(name, error)) from error
    raise _Refused([f"{_named(name)} is changed by others all the time; save again to retry"])


def _refusal_lines(name: str, error: StatusError) -> list[str]:
    """What the server refuses, a line for each field."""
    causes = [each for each in (error.details or {}).get("causes") or () if each.get("message")]
    if not causes:
        return [f"{_named(name)} was refused: {error}"]
    return [
        f"{_named(name)} was not valid:",
        *(f"* {': '.join(part for part in (each.get('field', ''), each['message']) if part)}" for each in causes),
    ]


def _conflict_lines(name: str, fields: list[str], theirs: Object) -> list[str]:
    from headwater.base import yamlio

    changed = {part: value for part, value in theirs.items() if any(each.split(".")[0] == part for each in fields)}
    return [
        f"{_named(name)}: somebody else changed {', '.join(fields)} meanwhile, to",
        *yamlio.dump(changed).splitlines(),
        "Below are your changes on top of theirs. Delete these lines and save to insist on yours.",
    ]


def _named(name: str) -> str:
    return f'synctargets.sync.kcp.io "{name}"'
