"""Every patch type as a pure function from (object, patch) to object, and field ownership for server-side apply.

Import from the modules: `jsonpatch`, `mergepatch`, `strategic` and `managed` (server-side apply and managedFields).
"""
