from __future__ import annotations

import pytest
from fastapi import Request

from app.core.errors import Forbidden
from app.web.csrf import TOKEN_BYTES, check_own_page, local_path, masked, origin_of, unmasked

HERE = "https://muniment.example"


def asked(**headers: str) -> Request:
    written = [
        (name.replace("_", "-").lower().encode(), value.encode()) for name, value in headers.items()
    ]
    return Request({"type": "http", "method": "POST", "path": "/x", "headers": written})


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Origin": HERE},
        {"Sec_Fetch_Site": "same-origin", "Origin": HERE},
    ],
)
def test_a_form_of_this_site_is_taken(headers: dict[str, str]) -> None:
    check_own_page(asked(**headers), HERE)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "nonsense"},
        {"Origin": "https://elsewhere.example"},
        {"Origin": "null"},
        {"Origin": "http://muniment.example"},
        {"Origin": "https://muniment.example:8443"},
        {"Sec_Fetch_Site": "same-origin", "Origin": "https://elsewhere.example"},
    ],
)
def test_a_form_of_another_site_is_refused(headers: dict[str, str]) -> None:
    with pytest.raises(Forbidden, match="another origin"):
        check_own_page(asked(**headers), HERE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://muniment.example", "https://muniment.example"),
        ("https://muniment.example:443/path", "https://muniment.example"),
        ("http://localhost:8000", "http://localhost:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "path", ["/", "/models", "/models/x?sort=-name&q=a%20b", "/sign-in?next=/x"]
)
def test_a_path_of_this_site_is_gone_to(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        None,
        "",
        "models",
        "//elsewhere.example",
        "/\\elsewhere.example",
        "\\\\elsewhere.example",
        "/x\\..\\elsewhere",
        "https://elsewhere.example/",
        "https:elsewhere.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "/a\nLocation: https://elsewhere.example",
        "/\t/elsewhere.example",
        "/ /elsewhere.example",
    ],
)
def test_a_path_that_leads_elsewhere_is_not_gone_to(path: str | None) -> None:
    assert local_path(path, "/safe") == "/safe"


def test_a_token_is_written_differently_each_time_and_read_as_the_same() -> None:
    token, pads = bytes(range(TOKEN_BYTES)), (b"\x10" * TOKEN_BYTES, b"\x20" * TOKEN_BYTES)
    first, second = (masked(token, pad) for pad in pads)
    assert not {*bytes.fromhex(first)} & {*bytes.fromhex(second), *token}
    assert unmasked(first) == unmasked(second) == token


@pytest.mark.parametrize("written", ["", "é", "zz", "00" * 31, "00" * 33, "0" * 63, "00 " * 32])
def test_what_is_no_written_token_is_read_as_none(written: str) -> None:
    assert unmasked(written) in (b"", bytes(TOKEN_BYTES))
    assert len(written.split()) > 1 or unmasked(written) == b""
