"""What a person proves who they are with, at each signature."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """Password, code of the second factor, and the address it came from."""

    password: str
    totp: str
    address: str
