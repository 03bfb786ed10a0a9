"""How a word of state is marked: an icon and a colour beside the word, never instead of it."""

from __future__ import annotations

from enum import StrEnum


class Tone(StrEnum):
    GOOD = "good"
    BAD = "bad"
    WAIT = "wait"
    NOTE = "note"


_WORDS = {
    Tone.GOOD: (
        "allow allowed pass pass_by_review live done approve approved granted published verified "
        "valid closed succeeded current complete active ok confirmed satisfied yes"
    ),
    Tone.BAD: (
        "deny denied fail failed reject rejected refused revoked expired overdue altered broken "
        "halted disabled error missing withdrawn_consent breached"
    ),
    Tone.WAIT: (
        "awaiting incomplete inconclusive pending requested queued collecting rendering checking "
        "sealing request_changes open running draft drafted due waiting stale truncated"
    ),
}
_TONES = {word: tone for tone, words in _WORDS.items() for word in words.split()}


def tone_of(word: str) -> Tone:
    """Find a word's tone; a word that says nothing good or bad is a note."""
    return _TONES.get(word.lower().replace(" ", "_").replace("-", "_"), Tone.NOTE)
