"""The syncer's own credential: had for a bootstrap token, kept over restarts, renewed while it works.

`keeper` decides when, `requests` asks the control plane, `stores` keep the credential in a file or in a Secret.
"""
