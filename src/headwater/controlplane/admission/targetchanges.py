"""Admission of what users say of single targets on their objects: changes of the spec, and rules for the status."""

from __future__ import annotations

from typing import Final

from headwater.apis.workload.labels import SPEC_DIFF_ANNOTATION_PREFIX, SUMMARIZING_ANNOTATION
from headwater.apis.workload.summarizing import SummarizingError, summary_rules
from headwater.apiserver.admission.interface import CREATE, UPDATE, AdmissionAttributes, BasePlugin
from headwater.apiserver.loopback import LOOPBACK_USER
from headwater.base import jsonio
from headwater.machinery import errors, objects
from headwater.machinery.errors import StatusError
from headwater.machinery.fieldpath import FieldError, invalid_value, key
from headwater.machinery.objects import Object
from headwater.patch.jsonpatch import apply_json_patch

_NOTES: Final = (SPEC_DIFF_ANNOTATION_PREFIX, SUMMARIZING_ANNOTATION)
_MAX_SHOWN: Final = 64


class TargetChanges(BasePlugin):
    """Refuses a spec diff that does not fit the object, and rules for its status that can't be read.

    With one of these the object is left out of what the target's syncer sees, so that its copy stays as it is and
    nobody hears why. A diff that was there before is not refused when the object changes under it: that is warned of.
    """

    name = "workload.kcp.io/TargetChanges"

    def handles(self, attributes: AdmissionAttributes) -> bool:
        return (
            attributes.operation in (CREATE, UPDATE)
            and not attributes.subresource
            and attributes.object is not None
            and attributes.user != LOOPBACK_USER
            and any(note.startswith(_NOTES) for note in objects.annotations(attributes.object))
        )

    async def validate(self, attributes: AdmissionAttributes) -> None:
        obj, before = attributes.object, objects.annotations(attributes.old_object or {})
        assert obj is not None, "handles asks for it"
        found = []
        for note, text in objects.annotations(obj).items():
            why = _problem(obj, note, text) if note.startswith(_NOTES) else ""
            if why and before.get(note) == text:
                attributes.warn(f"annotation {note}: {why}; until it does, its target keeps the copy that it has")
            elif why:
                found.append(_field_error(note, text, why))
        if found:
            raise errors.invalid(attributes.info.kind, attributes.name, found, attributes.info.group)


def _problem(obj: Object, note: str, text: str) -> str:
    """What is wrong with one annotation; empty if nothing is."""
    try:
        if note == SUMMARIZING_ANNOTATION:
            summary_rules(obj)
        elif note.startswith(SPEC_DIFF_ANNOTATION_PREFIX) and text and isinstance(obj.get("spec"), dict):
            apply_json_patch(obj["spec"], jsonio.loads(text))
    except SummarizingError as error:
        return str(error)
    except (ValueError, StatusError) as error:
        return f"must be a JSON patch that fits the spec: {error}"
    return ""


def _field_error(note: str, text: str, why: str) -> FieldError:
    return invalid_value(key("metadata.annotations", note), text[:_MAX_SHOWN], why)
