"""The pure core: bytes, values and times come in as arguments, verdicts go out.

No input or output, no clock, no randomness, no framework. This is what an auditor reads
and what runs offline. Begin with ``ledger/`` (how the log is made and checked), then
``events/`` (what it says), ``policy/`` (how a promotion is decided).
"""
