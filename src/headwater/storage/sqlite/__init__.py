"""The backend on one SQLite file: one writer thread with group commit, and a second connection that only reads.

Calls into SQLite give up Python's interpreter lock and must win it back from a busy event loop, which can take
milliseconds. So all that is done per row is done inside a few large statements: a batch of writes is two, whatever its
size, and a page of rows comes back as one.
"""
