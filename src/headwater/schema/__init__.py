"""Structural schemas: compiled once per content into closures that prune, default and validate objects in place.

The order is Kubernetes': decode, `Schema.prune`, `Schema.default`, then `Schema.validate`.
"""

from __future__ import annotations

from headwater.schema.compiled import Schema, compile_schema
from headwater.schema.structural import validate_structural

__all__ = ["Schema", "compile_schema", "validate_structural"]
