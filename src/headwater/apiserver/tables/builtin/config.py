"""Rows of configuration, identity and bookkeeping: config maps, secrets, events, leases, quotas, RBAC, CRDs."""

from __future__ import annotations

from headwater.apiserver.tables.interface import BuiltinPrinter, Cells, column, columns, integer
from headwater.apiserver.tables.text import NONE, age, count, joined, since
from headwater.machinery.objects import Object


def _config_map(obj: Object, now: float) -> Cells:
    return [obj["metadata"]["name"], len(obj.get("data") or {}) + len(obj.get("binaryData") or {}), age(obj, now)]


def _secret(obj: Object, now: float) -> Cells:
    return [obj["metadata"]["name"], obj.get("type", "Opaque"), len(obj.get("data") or {}), age(obj, now)]


def _service_account(obj: Object, now: float) -> Cells:
    return [obj["metadata"]["name"], len(obj.get("secrets") or []), age(obj, now)]


def _event(event: Object, now: float) -> Cells:
    regarding = event.get("involvedObject") or event.get("regarding") or {}
    source = event.get("source") or event.get("deprecatedSource") or {}
    series = event.get("series") or {}
    first = event.get("firstTimestamp") or event.get("deprecatedFirstTimestamp") or event.get("eventTime")
    last = event.get("lastTimestamp") or event.get("deprecatedLastTimestamp")
    times = event.get("count") or event.get("deprecatedCount") or 1
    if series:
        last, times = series.get("lastObservedTime") or last, series.get("count") or times
    first_seen = since(first or event["metadata"].get("creationTimestamp"), now)
    component = source.get("component") or event.get("reportingComponent") or event.get("reportingController") or ""
    host = source.get("host") or event.get("reportingInstance") or ""
    name = f"{regarding.get('kind', '').lower()}/{regarding['name']}" if regarding.get("name") else ""
    return [
        since(last, now) if last else first_seen,
        event.get("type", ""),
        event.get("reason", ""),
        name or regarding.get("kind", "").lower(),
        regarding.get("fieldPath", ""),
        joined(part for part in (component, host) if part).replace(",", ", "),
        str(event.get("message") or event.get("note") or "").strip(),
        first_seen,
        times,
        event["metadata"]["name"],
    ]


def _lease(lease: Object, now: float) -> Cells:
    return [lease["metadata"]["name"], (lease.get("spec") or {}).get("holderIdentity") or "", age(lease, now)]


def _resource_quota(quota: Object, now: float) -> Cells:
    status = quota.get("status") or {}
    hard, used = status.get("hard") or (quota.get("spec") or {}).get("hard") or {}, status.get("used") or {}
    requests: list[str] = []
    limits: list[str] = []
    for name in sorted(hard):
        text = f"{name}: {used.get(name, 0)}/{hard[name]}"
        (limits if name.startswith("limits") else requests).append(text)
    return [quota["metadata"]["name"], ", ".join(requests), ", ".join(limits), age(quota, now)]


def _created(obj: Object, now: float) -> Cells:
    return [obj["metadata"]["name"], obj["metadata"].get("creationTimestamp", "")]


def _binding(binding: Object, now: float) -> Cells:
    ref = binding.get("roleRef") or {}
    subjects: dict[str, list[str]] = {"User": [], "Group": [], "ServiceAccount": []}
    for subject in binding.get("subjects") or []:
        name = subject.get("name", "")
        if subject.get("kind") == "ServiceAccount":
            name = f"{subject.get('namespace', '')}/{name}"
        subjects.setdefault(subject.get("kind", ""), []).append(name)
    row = [binding["metadata"]["name"], f"{ref.get('kind', '')}/{ref.get('name', '')}", age(binding, now)]
    return [*row, *(", ".join(subjects[kind]) for kind in ("User", "Group", "ServiceAccount"))]


def _signing_request(request: Object, now: float) -> Cells:
    spec, status = request.get("spec") or {}, request.get("status") or {}
    kinds = [c.get("type") for c in status.get("conditions") or []]
    words = ["Denied" if "Denied" in kinds else "Approved" if "Approved" in kinds else "Pending"]
    if "Failed" in kinds:
        words.append("Failed")
    if status.get("certificate"):
        words.append("Issued")
    seconds = spec.get("expirationSeconds")
    return [
        request["metadata"]["name"],
        age(request, now),
        spec.get("signerName") or NONE,
        spec.get("username", ""),
        NONE if seconds is None else f"{count(seconds)}s",
        ",".join(words),
    ]


def _webhooks(obj: Object, now: float) -> Cells:
    return [obj["metadata"]["name"], len(obj.get("webhooks") or []), age(obj, now)]


def _admission_policy(policy: Object, now: float) -> Cells:
    spec = policy.get("spec") or {}
    kind = spec.get("paramKind")
    shown = f"{kind.get('apiVersion', '')}/{kind.get('kind', '')}" if kind else "<unset>"
    return [policy["metadata"]["name"], len(spec.get("validations") or []), shown, age(policy, now)]


def _admission_policy_binding(binding: Object, now: float) -> Cells:
    spec = binding.get("spec") or {}
    ref = spec.get("paramRef")
    parameters = "<unset>"
    if ref:
        name = ref.get("name") or "*"
        parameters = f"{ref['namespace']}/{name}" if ref.get("namespace") else name
    return [binding["metadata"]["name"], spec.get("policyName", ""), parameters, age(binding, now)]


_BINDING = columns("Role", "Age", "+Users", "+Groups", "+ServiceAccounts")

PRINTERS = {
    ("", "configmaps"): BuiltinPrinter(columns(integer("Data"), "Age"), _config_map),
    ("", "secrets"): BuiltinPrinter(columns("Type", integer("Data"), "Age"), _secret),
    ("", "serviceaccounts"): BuiltinPrinter(columns(integer("Secrets"), "Age"), _service_account),
    ("", "limitranges"): BuiltinPrinter(columns(column("Created At")), _created),
    ("", "resourcequotas"): BuiltinPrinter(columns("Request", "Limit", "Age"), _resource_quota),
    ("coordination.k8s.io", "leases"): BuiltinPrinter(columns("Holder", "Age"), _lease),
    ("rbac.authorization.k8s.io", "roles"): BuiltinPrinter(columns(column("Created At")), _created),
    ("rbac.authorization.k8s.io", "clusterroles"): BuiltinPrinter(columns(column("Created At")), _created),
    ("rbac.authorization.k8s.io", "rolebindings"): BuiltinPrinter(_BINDING, _binding),
    ("rbac.authorization.k8s.io", "clusterrolebindings"): BuiltinPrinter(_BINDING, _binding),
    ("apiextensions.k8s.io", "customresourcedefinitions"): BuiltinPrinter(columns(column("Created At")), _created),
    ("certificates.k8s.io", "certificatesigningrequests"): BuiltinPrinter(
        columns("Age", "SignerName", "Requestor", "RequestedDuration", "Condition"), _signing_request
    ),
    ("admissionregistration.k8s.io", "mutatingwebhookconfigurations"): BuiltinPrinter(
        columns(integer("Webhooks"), "Age"), _webhooks
    ),
    ("admissionregistration.k8s.io", "validatingwebhookconfigurations"): BuiltinPrinter(
        columns(integer("Webhooks"), "Age"), _webhooks
    ),
    ("admissionregistration.k8s.io", "validatingadmissionpolicies"): BuiltinPrinter(
        columns(integer("Validations"), "ParamKind", "Age"), _admission_policy
    ),
    ("admissionregistration.k8s.io", "validatingadmissionpolicybindings"): BuiltinPrinter(
        columns("PolicyName", "ParamRef", "Age"), _admission_policy_binding
    ),
}

_EVENT = BuiltinPrinter(
    (
        column("Last Seen"),
        column("Type"),
        column("Reason"),
        column("Object"),
        column("Subobject", wide=True),
        column("Source", wide=True),
        column("Message"),
        column("First Seen", wide=True),
        {**integer("Count"), "priority": 1},
        column("Name", wide=True, format_="name"),
    ),
    _event,
)
PRINTERS |= {("", "events"): _EVENT, ("events.k8s.io", "events"): _EVENT}
