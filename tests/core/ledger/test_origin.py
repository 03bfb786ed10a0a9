from __future__ import annotations

import pytest

from app.core.errors import Malformed
from app.core.ledger.origin import check_origin


@pytest.mark.parametrize("origin", ["a", "muniment.local/0123456789abcdef", "é/x", "a" * 255])
def test_a_log_may_bear_a_plain_name(origin: str) -> None:
    assert check_origin(origin) == origin


@pytest.mark.parametrize("origin", ["", "a" * 256, "é" * 128])
def test_a_logs_name_has_up_to_255_bytes(origin: str) -> None:
    with pytest.raises(Malformed, match=r"^a log's name has 1 to 255 bytes$"):
        check_origin(origin)


@pytest.mark.parametrize("origin", ["a+b", "a b", "a\nb", "a\tb", "a\u2028b", "a\u00a0b", "\ud800"])
def test_a_logs_name_holds_no_plus_blank_or_control(origin: str) -> None:
    with pytest.raises(Malformed, match=r"^a log's name holds no '\+', blank or control"):
        check_origin(origin)
