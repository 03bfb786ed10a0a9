from __future__ import annotations

import re
import zlib
from typing import TYPE_CHECKING

import pytest

from app.core.errors import Unauthenticated
from app.identity import opaque

if TYPE_CHECKING:
    from app.settings import Entropy


def test_a_token_is_its_prefix_32_random_and_6_check_characters(entropy: Entropy) -> None:
    token = opaque.mint_token(entropy)
    assert re.fullmatch(r"gvs_[0-9A-Za-z]{38}", token)
    assert len(token) == 42


def test_the_check_is_crc_32_in_base_62(entropy: Entropy) -> None:
    token = opaque.mint_token(entropy)
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    number = 0
    for character in token[-6:]:
        number = number * 62 + digits.index(character)
    assert number == zlib.crc32(token[:-6].encode())


@pytest.mark.parametrize("place", range(42))
def test_a_token_with_one_character_changed_is_told_without_the_database(
    entropy: Entropy, place: int
) -> None:
    token = opaque.mint_token(entropy)
    other = "A" if token[place] != "A" else "B"
    with pytest.raises(Unauthenticated):
        opaque.check_token(token[:place] + other + token[place + 1 :])


@pytest.mark.parametrize("text", ["", "gvs_", "gvs_" + "A" * 37, "gvp_" + "A" * 38, "é" * 42])
def test_what_has_not_the_form_of_a_token_is_refused(text: str) -> None:
    with pytest.raises(Unauthenticated):
        opaque.check_token(text)


def test_minted_secrets_differ(entropy: Entropy) -> None:
    assert len({opaque.mint_secret(entropy) for _ in range(1000)}) == 1000
    assert len({opaque.mint_token(entropy) for _ in range(1000)}) == 1000
