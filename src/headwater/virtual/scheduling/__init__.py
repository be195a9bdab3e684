"""The scheduling virtual workspace: why workloads run where they do, and what a change would do to them.

`explaining` and `explanation` answer for one workload (look-ups and document), `planspec`, `applied`, `planning` and
`planned` make plans (what is asked, the objects in it, the run, the document). `rights` says who may ask, `service`
speaks HTTP.
"""
