"""What a finding of each class means to whoever keeps a log."""

from __future__ import annotations

from typing import Final

MEANINGS: Final = {
    "entry": "an entry's bytes are not what was recorded, or it is gone",
    "chain": "an entry and the one after it do not fit together: one of them was changed",
    "head": "where the log, a subject or a type ends is told wrongly: entries may be hidden",
    "time": "an entry claims a time that it cannot have",
    "tree": "the entries are not those that were signed, though they fit each other",
    "log": "the log is not the one that was signed before: it went back, or there are two",
    "member": "a value that somebody recorded was changed",
    "members": "values are there that nobody recorded, or are missing without an erasure",
    "unlogged erasure": "a value was removed, and no entry says who did and why",
    "erasure undone": "a value that was erased is there again",
    "column": "lists and searches would show something that no entry says",
    "tile": "proofs would be made from wrong hashes; the entries themselves are another check",
    "checkpoint": "a signed checkpoint was changed or swapped",
    "signature": "no key that you trust signed this",
    "key": "without a key from elsewhere nobody can tell who signed",
    "idempotency": "a request sent again might be recorded twice, or get another's receipt",
    "file": "a stored file is gone or has other bytes than the entry names",
    "operational": "a session, draft or job was changed; no recorded evidence is concerned",
    "projection": "what pages and gates read does not follow from the log",
    "guard": "a trigger that stops accidents is gone or changed",
    "schema": "the tables are not those of this program",
    "unreadable": "the database cannot read it: damage, or something that is not as it was made",
}
"""By class; a class that is not here speaks of evidence handed over, not of a log kept here."""
