"""The log's bytes and how they are checked: hashing, proofs, signatures, evidence.

Everything here takes bytes and values and gives bytes and values; a stranger can read this
room alone and verify a log with it. Read ``canonical`` and ``entry`` for what is hashed,
``merkle``, ``inclusion`` and ``consistency`` for the tree, ``note`` and ``checkpoint`` for
what is signed, then ``audit``, which puts them together into a verdict.
"""
