"""apis.kcp.io/v1alpha1."""

from headwater.apis.apis.v1alpha1.apibinding import API_BINDING_V1ALPHA1
from headwater.apis.apis.v1alpha1.apiexport import API_EXPORT_V1ALPHA1
from headwater.apis.apis.v1alpha1.apiexportendpointslice import API_EXPORT_ENDPOINT_SLICE
from headwater.apis.apis.v1alpha1.apiresourceschema import API_RESOURCE_SCHEMA

KINDS = (API_EXPORT_V1ALPHA1, API_BINDING_V1ALPHA1, API_RESOURCE_SCHEMA, API_EXPORT_ENDPOINT_SLICE)

__all__ = ["API_BINDING_V1ALPHA1", "API_EXPORT_ENDPOINT_SLICE", "API_EXPORT_V1ALPHA1", "API_RESOURCE_SCHEMA", "KINDS"]
