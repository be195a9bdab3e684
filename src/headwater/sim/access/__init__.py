"""What kubectl asks of running pods, simulated: a small shell with files, attach, and port-forward.

No program runs. Everything is in memory, bounded, and forgotten with the process.
"""
