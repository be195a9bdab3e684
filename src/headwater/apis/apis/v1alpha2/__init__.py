"""apis.kcp.io/v1alpha2: the version that APIExports and APIBindings are stored in."""

from headwater.apis.apis.v1alpha2.apibinding import API_BINDING
from headwater.apis.apis.v1alpha2.apiexport import API_EXPORT

KINDS = (API_EXPORT, API_BINDING)

__all__ = ["API_BINDING", "API_EXPORT", "KINDS"]
