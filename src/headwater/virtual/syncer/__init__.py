"""The syncer virtual workspace: what one sync target must run, in the form that target should see.

`view` makes what a syncer reads, `writes` makes stored changes of what it writes, `summarize` holds the rules both
follow for fields that targets report. `service` speaks HTTP.
"""
