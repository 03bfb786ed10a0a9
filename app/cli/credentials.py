"""Where ``login`` keeps a session: the keyring, or a file for its owner alone.

A process that names its own folder in ``MUNIMENT_CONFIG_DIR`` gets the file there, so that
two people at one machine, or a test, do not share a keyring.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

KEYRING = "muniment"


def save(server: str, session: str) -> str:
    """Keep a session; returns where."""
    if _has_keyring():
        import keyring
        from keyring.errors import KeyringError

        forget(server)
        try:
            keyring.set_password(KEYRING, server, session)
            return "the keyring"
        except KeyringError:
            pass  # a machine without one: the file serves
    _write(_read() | {server: session})
    return str(_file())


def load(server: str) -> str | None:
    """Find the session kept for a server."""
    kept = _read().get(server)
    if kept is not None or not _has_keyring():
        return kept
    import keyring
    from keyring.errors import KeyringError

    try:
        return keyring.get_password(KEYRING, server)
    except KeyringError:
        return None


def forget(server: str) -> None:
    """Drop the session kept for a server."""
    kept = _read()
    if kept.pop(server, None) is not None:
        _write(kept)
    if not _has_keyring():
        return
    import keyring
    from keyring.errors import KeyringError

    try:
        keyring.delete_password(KEYRING, server)
    except KeyringError:
        return  # there was none


def _has_keyring() -> bool:
    """Tell whether to ask for one: not where a folder is named, nor on Linux without D-Bus."""
    if os.environ.get("MUNIMENT_CONFIG_DIR"):
        return False
    return sys.platform != "linux" or bool(os.environ.get("DBUS_SESSION_BUS_ADDRESS"))


def _file() -> Path:
    folder = os.environ.get("MUNIMENT_CONFIG_DIR")
    if folder:
        return Path(folder) / "credentials"
    import platformdirs

    return Path(platformdirs.user_config_dir("muniment")) / "credentials"


def _read() -> dict[str, str]:
    try:
        kept = json.loads(_file().read_bytes())
    except (FileNotFoundError, ValueError):
        return {}
    return {str(server): str(session) for server, session in kept.items()}


def _write(kept: dict[str, str]) -> None:
    """Replace the file; it is never readable by others, not even while it is written."""
    path = _file()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        json.dump(kept, out)
    aside.replace(path)
