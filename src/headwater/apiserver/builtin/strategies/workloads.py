"""Deployments and the other kinds that own pods: selectors that never change and match their template."""

from __future__ import annotations

from collections.abc import Sequence

from headwater.apiserver.builtin.strategies.native import NativeStrategy
from headwater.apiserver.builtin.strategies.podspecs import default_template
from headwater.apiserver.registry.metadata import immutable
from headwater.apiserver.registry.strategy import WriteContext
from headwater.machinery.fieldpath import FieldError, forbidden_field, invalid_value, key
from headwater.machinery.labels import selector_from_label_selector
from headwater.machinery.names import dns1123_label_errors, dns1123_subdomain_errors
from headwater.machinery.objects import Object, nested

_JOB_PREFIX = "batch.kubernetes.io/"
_STATEFUL_MUTABLE = (
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
)


class PodOwnerStrategy(NativeStrategy):
    """Deployment, ReplicaSet and DaemonSet."""

    def __init__(self) -> None:
        super().__init__(generation=True, immutable_fields=("spec.selector",))

    def default(self, ctx: WriteContext, obj: Object) -> None:
        default_template(obj, "spec", "template")

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        selector = nested(obj, "spec", "selector")
        labels = nested(obj, "spec", "template", "metadata", "labels", default={})
        try:
            parsed = selector_from_label_selector(selector)
        except ValueError as error:
            return [invalid_value("spec.selector", selector, str(error))]
        if parsed.empty:
            return [invalid_value("spec.selector", selector, "empty selector is invalid for deployment")]
        if not parsed.matches(labels):
            why = "`selector` does not match template `labels`"
            return [invalid_value("spec.template.metadata.labels", labels, why)]
        return ()


class StatefulSetStrategy(PodOwnerStrategy):
    """Stateful sets, of whose spec little may change."""

    def __init__(self) -> None:
        super().__init__()
        self.name_errors = dns1123_label_errors

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        spec, old_spec = obj.get("spec") or {}, old.get("spec") or {}
        fixed = (spec.keys() | old_spec.keys()) - set(_STATEFUL_MUTABLE)
        if all(spec.get(field) == old_spec.get(field) for field in fixed):
            return ()
        allowed = "', '".join(_STATEFUL_MUTABLE[:-1])
        why = (
            f"updates to statefulset spec for fields other than '{allowed}' and '{_STATEFUL_MUTABLE[-1]}' are forbidden"
        )
        return [forbidden_field("spec", why)]


class CronJobStrategy(NativeStrategy):
    """Cron jobs."""

    def __init__(self) -> None:
        super().__init__(generation=True)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        default_template(obj, "spec", "jobTemplate", "spec", "template")


class JobStrategy(NativeStrategy):
    """Jobs select their pods by a label with the job's own uid."""

    def __init__(self) -> None:
        super().__init__(generation=True, field_labels=("status.successful",), name_errors=dns1123_subdomain_errors)

    def default(self, ctx: WriteContext, obj: Object) -> None:
        default_template(obj, "spec", "template")
        spec = obj.get("spec")
        if isinstance(spec, dict) and spec.get("completions") is None and spec.get("parallelism", 1) == 1:
            spec["completions"] = spec["parallelism"] = 1

    def prepare_for_create(self, ctx: WriteContext, obj: Object) -> None:
        spec, meta = obj.get("spec") or {}, obj["metadata"]
        if spec.get("manualSelector") or not isinstance(spec.get("template"), dict):
            return
        template = spec["template"]
        labels = template.setdefault("metadata", {}).setdefault("labels", {})
        for label, value in _generated_labels(obj).items():
            labels.setdefault(label, value)
        label = f"{_JOB_PREFIX}controller-uid"
        spec.setdefault("selector", {}).setdefault("matchLabels", {}).setdefault(label, meta["uid"])

    def validate(self, ctx: WriteContext, obj: Object) -> Sequence[FieldError]:
        """A selector that the server generates is refused when it names another uid, as with a Job that was copied."""
        if nested(obj, "spec", "manualSelector") or not isinstance(nested(obj, "spec", "template"), dict):
            return ()
        expected = _generated_labels(obj)
        labels = nested(obj, "spec", "template", "metadata", "labels", default={})
        found = [
            invalid_value(key("spec.template.metadata.labels", label), labels.get(label), f"must be '{value}'")
            for label, value in expected.items()
            if labels.get(label) != value
        ]
        selector = nested(obj, "spec", "selector", default={})
        if not isinstance(selector, dict) or not (selector.get("matchLabels") or {}).items() <= expected.items():
            found.append(invalid_value("spec.selector", selector, "`selector` not auto-generated"))
        return found

    def validate_update(self, ctx: WriteContext, obj: Object, old: Object) -> Sequence[FieldError]:
        found: list[FieldError] = []
        for field in ("selector", "template", "completionMode"):
            found += immutable(f"spec.{field}", nested(obj, "spec", field), nested(old, "spec", field))
        return found

    def field_value(self, obj: Object, label: str) -> str:
        if label == "status.successful":
            return str(nested(obj, "status", "succeeded", default=0))
        return super().field_value(obj, label)


def _generated_labels(job: Object) -> dict[str, str]:
    values = {"controller-uid": job["metadata"]["uid"], "job-name": job["metadata"]["name"]}
    return {f"{prefix}{label}": value for prefix in ("", _JOB_PREFIX) for label, value in values.items()}
