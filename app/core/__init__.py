"""What Muniment decides and proves, as pure functions over bytes and values.

No input or output, no clock, no randomness: time, bytes and keys come in as arguments, so an
auditor can read it, run it offline and get the same answer for ever. Read ``errors`` first
(every way of saying no), then ``ledger`` (the proofs) or ``policy`` (the decisions).
"""
