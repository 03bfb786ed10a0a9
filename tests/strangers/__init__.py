"""Programs of others that must accept our log and refuse an altered copy of it.

``build`` makes the ones written in Go, once per machine; ``verdicts`` asks each of them about
a log that is served somewhere; ``static_log`` writes a small log to try them on.
"""
