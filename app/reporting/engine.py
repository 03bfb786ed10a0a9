"""Everything that shapes the pages of a report, with its version."""

from __future__ import annotations

import ctypes
import zlib
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING

from app.core.ledger.canonical import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

PACKAGES = ("weasyprint", "pydyf", "fonttools", "pikepdf", "jinja2", "tinycss2", "pyphen")


def engine(folder: Path) -> dict[str, str]:
    """Return name → version of the packages and libraries, and digests of ``folder``.

    Two renderings of the same data under equal engines have the same bytes.
    """
    import pikepdf
    from weasyprint.text.ffi import harfbuzz_subset, pango

    harfbuzz = ctypes.CDLL("libharfbuzz.so.0")
    harfbuzz.hb_version_string.restype = ctypes.c_char_p
    number = pango.pango_version()
    return {
        **{name: version(name) for name in PACKAGES},
        "pango": f"{number // 10000}.{number // 100 % 100}.{number % 100}",
        "harfbuzz": harfbuzz.hb_version_string().decode(),
        "subsetter": "harfbuzz" if harfbuzz_subset else "fonttools",
        "qpdf": pikepdf.__libqpdf_version__,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "fonts": _digest(folder.glob("fonts/*.ttf")),
        "templates": _digest(path for path in folder.iterdir() if path.is_file()),
    }


def fingerprint(parts: Mapping[str, str]) -> str:
    """Return ``sha256:<hex>`` of the canonical JSON of an engine."""
    return f"sha256:{sha256(canonical(parts)).hexdigest()}"


def _digest(paths: Iterable[Path]) -> str:
    content = sha256()
    for path in sorted(paths):
        content.update(sha256(path.read_bytes()).digest())
    return content.hexdigest()
