from __future__ import annotations

import os
import threading
import time

from argon2 import Type, extract_parameters

from app.identity.passwords import AT_ONCE, Passwords
from tests.slices.identity.town import WEAK


def test_a_password_is_hashed_with_argon2id_64_mib_and_three_passes() -> None:
    passwords = Passwords(os.urandom)
    hashed = passwords.hash("correct horse battery")
    parameters = extract_parameters(hashed)
    assert (parameters.type, parameters.memory_cost, parameters.time_cost) == (Type.ID, 65536, 3)
    assert passwords.verify(hashed, "correct horse battery")
    assert not passwords.verify(hashed, "correct horse bakery")


def test_the_same_password_never_has_the_same_hash() -> None:
    passwords = Passwords(os.urandom, WEAK)
    assert passwords.hash("x") != passwords.hash("x")


def test_nobody_has_a_password() -> None:
    assert not Passwords(os.urandom, WEAK).verify(None, "")


def test_a_damaged_hash_is_no_password() -> None:
    assert not Passwords(os.urandom, WEAK).verify("$argon2id$broken", "x")


def test_only_a_few_hash_at_once() -> None:
    running, most = 0, 0
    counting = threading.Lock()

    class Slow:
        def hash(self, password: str, salt: bytes) -> str:
            nonlocal running, most
            with counting:
                running += 1
                most = max(most, running)
            time.sleep(0.02)
            with counting:
                running -= 1
            return password

    passwords = Passwords(os.urandom, Slow())  # type: ignore[arg-type]
    threads = [threading.Thread(target=passwords.hash, args=("x",)) for _ in range(3 * AT_ONCE)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == AT_ONCE
