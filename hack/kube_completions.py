"""What Kubernetes' published schemas leave out and its API server does: default values, value sets and lower bounds.

Keys are definition names without `io.k8s.api.`. Only defaults that hold whatever the other fields say are here; those
that depend on a sibling (image tag, service type, update strategy) belong to the kind's strategy in the server.
"""

from __future__ import annotations

from typing import Any

CONTAINER_DEFAULTS: dict[str, Any] = {
    "resources": {},
    "terminationMessagePath": "/dev/termination-log",
    "terminationMessagePolicy": "File",
}
WEBHOOK_DEFAULTS: dict[str, Any] = {
    "failurePolicy": "Fail",
    "matchPolicy": "Equivalent",
    "namespaceSelector": {},
    "objectSelector": {},
    "timeoutSeconds": 10,
}
ROLLING_UPDATE: dict[str, Any] = {"maxSurge": "25%", "maxUnavailable": "25%"}

DEFAULTS: dict[str, dict[str, Any]] = {
    "admissionregistration.v1.MutatingWebhook": {**WEBHOOK_DEFAULTS, "reinvocationPolicy": "Never"},
    "admissionregistration.v1.RuleWithOperations": {"scope": "*"},
    "admissionregistration.v1.NamedRuleWithOperations": {"scope": "*"},
    "admissionregistration.v1.ServiceReference": {"port": 443},
    "admissionregistration.v1.ValidatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration.v1.ValidatingWebhook": WEBHOOK_DEFAULTS,
    "apps.v1.DaemonSetSpec": {
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}},
    },
    "apps.v1.DaemonSetUpdateStrategy": {"type": "RollingUpdate"},
    "apps.v1.DeploymentSpec": {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "strategy": {"type": "RollingUpdate", "rollingUpdate": ROLLING_UPDATE},
    },
    "apps.v1.DeploymentStrategy": {"type": "RollingUpdate"},
    "apps.v1.ReplicaSetSpec": {"replicas": 1},
    "apps.v1.RollingUpdateDaemonSet": {"maxSurge": 0, "maxUnavailable": 1},
    "apps.v1.RollingUpdateDeployment": ROLLING_UPDATE,
    "apps.v1.RollingUpdateStatefulSetStrategy": {"partition": 0},
    "apps.v1.StatefulSetPersistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
    "apps.v1.StatefulSetSpec": {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "podManagementPolicy": "OrderedReady",
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}},
    },
    "apps.v1.StatefulSetUpdateStrategy": {"type": "RollingUpdate"},
    "autoscaling.v2.HorizontalPodAutoscalerSpec": {"minReplicas": 1},
    "batch.v1.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "failedJobsHistoryLimit": 1,
        "successfulJobsHistoryLimit": 3,
        "suspend": False,
    },
    "batch.v1.JobSpec": {"backoffLimit": 6, "completionMode": "NonIndexed", "parallelism": 1, "suspend": False},
    "core.v1.ConfigMapVolumeSource": {"defaultMode": 420},
    "core.v1.Container": CONTAINER_DEFAULTS,
    "core.v1.ContainerPort": {"protocol": "TCP"},
    "core.v1.DownwardAPIVolumeSource": {"defaultMode": 420},
    "core.v1.EndpointPort": {"protocol": "TCP"},
    "core.v1.EphemeralContainer": CONTAINER_DEFAULTS,
    "core.v1.GRPCAction": {"service": ""},
    "core.v1.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "core.v1.HostPathVolumeSource": {"type": ""},
    "core.v1.ISCSIVolumeSource": {"iscsiInterface": "default"},
    "core.v1.NamespaceStatus": {"phase": "Active"},
    "core.v1.ObjectFieldSelector": {"apiVersion": "v1"},
    "core.v1.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "core.v1.PersistentVolumeClaimStatus": {"phase": "Pending"},
    "core.v1.PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"},
    "core.v1.PersistentVolumeStatus": {"phase": "Pending"},
    "core.v1.PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    "core.v1.Probe": {"failureThreshold": 3, "periodSeconds": 10, "successThreshold": 1, "timeoutSeconds": 1},
    "core.v1.ProjectedVolumeSource": {"defaultMode": 420},
    "core.v1.ReplicationControllerSpec": {"replicas": 1},
    "core.v1.Secret": {"type": "Opaque"},
    "core.v1.SecretVolumeSource": {"defaultMode": 420},
    "core.v1.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "core.v1.ServicePort": {"protocol": "TCP"},
    "core.v1.ServiceSpec": {"sessionAffinity": "None", "type": "ClusterIP"},
    "discovery.v1.EndpointPort": {"name": "", "protocol": "TCP"},
    "networking.v1.IngressClassParametersReference": {"scope": "Cluster"},
    "networking.v1.NetworkPolicyPort": {"protocol": "TCP"},
    "rbac.v1.RoleRef": {"apiGroup": "rbac.authorization.k8s.io"},
    "scheduling.v1.PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "storage.v1.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": {
        "conversion": {"strategy": "None"},
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.ServiceReference": {"port": 443},
}

PROTOCOLS = ["SCTP", "TCP", "UDP"]
ENUMS: dict[str, dict[str, list[str]]] = {
    "admissionregistration.v1.MutatingWebhook": {
        "failurePolicy": ["Fail", "Ignore"],
        "matchPolicy": ["Equivalent", "Exact"],
    },
    "admissionregistration.v1.ValidatingWebhook": {
        "failurePolicy": ["Fail", "Ignore"],
        "matchPolicy": ["Equivalent", "Exact"],
    },
    "apps.v1.DaemonSetUpdateStrategy": {"type": ["OnDelete", "RollingUpdate"]},
    "apps.v1.DeploymentStrategy": {"type": ["Recreate", "RollingUpdate"]},
    "apps.v1.StatefulSetSpec": {"podManagementPolicy": ["OrderedReady", "Parallel"]},
    "apps.v1.StatefulSetUpdateStrategy": {"type": ["OnDelete", "RollingUpdate"]},
    "batch.v1.CronJobSpec": {"concurrencyPolicy": ["Allow", "Forbid", "Replace"]},
    "batch.v1.JobSpec": {"completionMode": ["Indexed", "NonIndexed"]},
    "core.v1.Container": {
        "imagePullPolicy": ["Always", "IfNotPresent", "Never"],
        "terminationMessagePolicy": ["FallbackToLogsOnError", "File"],
    },
    "core.v1.ContainerPort": {"protocol": PROTOCOLS},
    "core.v1.EndpointPort": {"protocol": PROTOCOLS},
    "core.v1.HTTPGetAction": {"scheme": ["HTTP", "HTTPS"]},
    "core.v1.PersistentVolumeClaimSpec": {"volumeMode": ["Block", "Filesystem"]},
    "core.v1.PersistentVolumeSpec": {"persistentVolumeReclaimPolicy": ["Delete", "Recycle", "Retain"]},
    "core.v1.PodSpec": {
        "dnsPolicy": ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"],
        "restartPolicy": ["Always", "Never", "OnFailure"],
    },
    "core.v1.ServicePort": {"protocol": PROTOCOLS},
    "core.v1.ServiceSpec": {
        "externalTrafficPolicy": ["Cluster", "Local"],
        "internalTrafficPolicy": ["Cluster", "Local"],
        "sessionAffinity": ["ClientIP", "None"],
        "type": ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"],
    },
    "core.v1.Toleration": {
        "effect": ["", "NoExecute", "NoSchedule", "PreferNoSchedule"],
        "operator": ["", "Equal", "Exists", "Gt", "Lt"],
    },
    "core.v1.Taint": {"effect": ["NoExecute", "NoSchedule", "PreferNoSchedule"]},
    "discovery.v1.EndpointSlice": {"addressType": ["FQDN", "IPv4", "IPv6"]},
    "networking.v1.HTTPIngressPath": {"pathType": ["Exact", "ImplementationSpecific", "Prefix"]},
    "networking.v1.NetworkPolicyPort": {"protocol": PROTOCOLS},
    "storage.v1.StorageClass": {
        "reclaimPolicy": ["Delete", "Recycle", "Retain"],
        "volumeBindingMode": ["Immediate", "WaitForFirstConsumer"],
    },
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionSpec": {
        "scope": ["Cluster", "Namespaced"],
    },
}

PORT = {"minimum": 1, "maximum": 65535}
BOUNDS: dict[str, dict[str, dict[str, int]]] = {
    "apps.v1.DaemonSetSpec": {"minReadySeconds": {"minimum": 0}, "revisionHistoryLimit": {"minimum": 0}},
    "apps.v1.DeploymentSpec": {
        "minReadySeconds": {"minimum": 0},
        "progressDeadlineSeconds": {"minimum": 0},
        "replicas": {"minimum": 0},
        "revisionHistoryLimit": {"minimum": 0},
    },
    "apps.v1.ReplicaSetSpec": {"minReadySeconds": {"minimum": 0}, "replicas": {"minimum": 0}},
    "apps.v1.StatefulSetSpec": {"replicas": {"minimum": 0}, "revisionHistoryLimit": {"minimum": 0}},
    "autoscaling.v1.ScaleSpec": {"replicas": {"minimum": 0}},
    "autoscaling.v2.HorizontalPodAutoscalerSpec": {"maxReplicas": {"minimum": 1}, "minReplicas": {"minimum": 0}},
    "batch.v1.JobSpec": {
        "backoffLimit": {"minimum": 0},
        "completions": {"minimum": 0},
        "parallelism": {"minimum": 0},
        "ttlSecondsAfterFinished": {"minimum": 0},
    },
    "core.v1.ContainerPort": {"containerPort": PORT, "hostPort": {"minimum": 0, "maximum": 65535}},
    "core.v1.EndpointPort": {"port": PORT},
    "core.v1.PodSpec": {"terminationGracePeriodSeconds": {"minimum": 0}},
    "core.v1.ReplicationControllerSpec": {"replicas": {"minimum": 0}},
    "core.v1.ServicePort": {"nodePort": {"minimum": 0, "maximum": 65535}, "port": PORT},
}


def complete(definitions: dict[str, dict[str, Any]]) -> None:
    """Write the tables into the definitions, in place.

    Raises KeyError for a row whose definition or field does not exist, so that a new release cannot leave rows behind.
    """
    for table, keyword in ((DEFAULTS, "default"), (ENUMS, "enum")):
        for name, fields in table.items():
            for field, value in fields.items():
                _property(definitions, name, field)[keyword] = value
    for name, bounds in BOUNDS.items():
        for field, limits in bounds.items():
            _property(definitions, name, field).update(limits)


def _property(definitions: dict[str, dict[str, Any]], name: str, field: str) -> dict[str, Any]:
    full_name = name if name.startswith("io.k8s.") else f"io.k8s.api.{name}"
    properties: dict[str, dict[str, Any]] = definitions[full_name]["properties"]
    return properties[field]
