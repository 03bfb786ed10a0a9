"""What stands in every bundle as it is: the page for people, and the program that checks it."""

from __future__ import annotations

import hashlib

README = b"""\
# Evidence from a Muniment log

Check it, with no network and no server:

    muniment verify BUNDLE --vkey KEY

or, unpacked, with Python 3.11 or newer and its package `cryptography`, and nothing else:

    sha256sum verify.py
    python3 -I verify.py --vkey KEY

KEY is the log's verifier key. Have it from somewhere else than this bundle: what stands in
`log/vkeys` came with the evidence and proves nothing about it. The same goes for `verify.py`:
run it only if its SHA-256 is the one published with the key (`muniment ledger trust-page`).
Both end with 0 if the evidence is valid; 10: altered, 12: forked, 13: signature or key,
14: not proven.

`entries/` holds entries of the log with their proofs, `members/` what they say as far as it
is disclosed, `files/` the files whose digests they name, `unproven/` whatever no entry
vouches for, `log/checkpoint` the signed size and root of the log that the proofs lead to,
with the cosignatures of `log/witnesses`; `log/timestamps/` tells when it was there at the
latest, if `--tsa FILE` names the root certificate of an authority that you believe.
"""

KNOWN_READMES = frozenset(
    {
        hashlib.sha256(README).hexdigest(),
        "4278f931f794560f01838529e7df1a960890f838f98a14ce6afada5fecb3f915",
    }
)
"""SHA-256 of the words that README.md has had."""

KNOWN_VERIFIERS = ("c00e0b79d22e0abbdfd889cf476a5b168b0eb02535eae59afff0577f3f4fbaca",)
"""SHA-256 of the programs that bundles hold as verify.py, the newest first."""
