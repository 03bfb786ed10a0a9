"""`verify`: the verdict is the exit code, and whatever else happens is never 0 or 1."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx
import pytest
from argon2 import PasswordHasher

from app.core.ledger import tile
from app.core.ledger.checkpoint import parse_checkpoint
from app.core.ledger.note import parse_note
from app.house import open_house
from app.ledger.tiles import read_tile
from app.settings import Settings
from app.verification.bundles import bundle_of, zip_of
from tests.servers.authority import make_authority
from tests.servers.witness import Double
from tests.slices.cli.conftest import problem

if TYPE_CHECKING:
    from pathlib import Path

    from tests.slices.cli.conftest import Command, Server

WITNESS = Double("w.example").witness.vkey()
STRANGER = "example.com/log+3a76635e+AcDyaORcq9uTKCGqpUHDHQ3qHp+kh6X9sSGZkxkCYVLt"


@dataclass(frozen=True)
class Log:
    """A small log as files, and an evidence bundle of its first entry."""

    vkey: str
    files: dict[str, bytes]
    bundle: bytes

    def unpack(self, folder: Path) -> Path:
        for name, content in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        return folder

    def serve(self, server: Server) -> None:
        for name, content in self.files.items():
            server.on("GET", f"/log/{name}", content)


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    folder = tmp_path_factory.mktemp("log")
    settings = Settings(data_dir=folder / "data", signer_state=folder / "state.json")
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    house = open_house(settings, hasher=cheap)
    try:
        vkey = str(house.init("root", "correct horse battery staple")["vkey"])
        with house.ledger.snapshot() as now:
            size = now.size
        house.publisher.wait_for(size, 10)
        with house.ledger.snapshot() as now:
            note = now.store.checkpoint(now.connection)
            assert note is not None
            assert parse_checkpoint(parse_note(note)[0]).size == size
            files = {"checkpoint": note}
            for one in tile.bundles(size):
                files[one.path()] = read_tile(now.store, now.connection, one, size)
            kept = bundle_of(
                now,
                [0],
                [house.log_signer.verifier],
                kind="entries",
                purpose="a test",
                files={},
                schemas={},
                unproven={},
            )
    finally:
        house.close()
    return Log(vkey, files, zip_of(kept))


def test_a_log_is_verified_by_its_address(command: Command, server: Server, log: Log) -> None:
    log.serve(server)
    ended = command("verify", "http://localhost:8000/log", "--vkey", log.vkey)
    assert ended.code == 0
    assert ended.out.splitlines()[-1].startswith("VALID: ")
    assert command("verify", "--vkey", log.vkey, "--json").document["exit_code"] == 0


def test_a_log_is_verified_as_files(command: Command, log: Log, tmp_path: Path) -> None:
    folder = log.unpack(tmp_path / "site" / "log")
    for place in (folder, folder.parent):
        assert command("verify", str(place), "--vkey", log.vkey).code == 0
    entries = next(name for name in log.files if name != "checkpoint")
    (folder / entries).unlink()
    missing = command("verify", str(folder), "--vkey", log.vkey)
    assert missing.code == 14
    assert entries in missing.out


def test_a_bundle_is_verified(command: Command, log: Log, tmp_path: Path) -> None:
    file = tmp_path / "evidence.zip"
    file.write_bytes(log.bundle)
    ended = command("verify", str(file), "--vkey", log.vkey)
    assert ended.code == 0
    assert ended.out.startswith("  1. ")
    since = tmp_path / "checkpoint"
    since.write_bytes(log.files["checkpoint"])
    assert command("verify", str(file), "--vkey", log.vkey, "--since", str(since)).code == 2


def test_a_quorum_and_an_authority_are_asked_for(
    command: Command, log: Log, tmp_path: Path
) -> None:
    bundle, policy, root = tmp_path / "b.zip", tmp_path / "policy", tmp_path / "root.pem"
    bundle.write_bytes(log.bundle)
    words = ("verify", str(bundle), "--vkey", log.vkey)
    policy.write_text("quorum none\n")
    ended = command(*words, "--witnesses", str(policy))
    assert ended.code == 0
    assert "the policy asks for no quorum" in ended.out
    policy.write_text(f"witness W {WITNESS}\nquorum W\n")
    ended = command(*words, "--witnesses", str(policy))
    assert ended.code == 14
    assert "the quorum W is NOT met: cosigned by nobody" in ended.out.splitlines()[-1]
    authority = make_authority(tmp_path / "tsa")
    assert command(*words, "--tsa", str(authority.ca)).code == 0
    policy.write_text("quorum W\n")
    root.write_text("no certificate")
    for option, file in (("--witnesses", policy), ("--tsa", root)):
        assert command(*words, option, str(file)).code == 2
    folder = log.unpack(tmp_path / "log")
    for target in (str(folder), "http://localhost:8000"):
        assert command("verify", target, "--tsa", str(authority.ca)).code == 2


def test_nothing_is_proven_without_a_trusted_key(
    command: Command, server: Server, log: Log, tmp_path: Path
) -> None:
    log.serve(server)
    file = tmp_path / "evidence.zip"
    file.write_bytes(log.bundle)
    for target in ((), (str(file),)):
        ended = command("verify", *target)
        assert ended.code == 14
        assert "key not trusted" in ended.out.splitlines()[-1]


def test_the_wrong_key_is_no_key(command: Command, server: Server, log: Log) -> None:
    log.serve(server)
    assert command("verify", "--vkey", STRANGER).code == 13
    assert command("verify", "--vkey", "rubbish").code == 2


def test_trusted_keys_come_from_lines_or_from_a_trust_file(
    command: Command, server: Server, log: Log, tmp_path: Path
) -> None:
    log.serve(server)
    trust = tmp_path / "trust"
    for written in (f"{log.vkey}\n", json.dumps({"log": [{"vkey": log.vkey}]})):
        trust.write_text(written)
        assert command("verify", "--trust", str(trust)).code == 0
    for written in ("{}", "{", "no key\n"):
        trust.write_text(written)
        ended = command("verify", "--trust", str(trust))
        assert ended.code == 2
        assert "→ " in ended.err


def test_an_altered_entry_is_named(command: Command, log: Log, tmp_path: Path) -> None:
    folder = log.unpack(tmp_path / "log")
    entries = folder / next(name for name in log.files if name != "checkpoint")
    entries.write_bytes(entries.read_bytes().replace(b"log.started", b"log.stopped", 1))
    ended = command("verify", str(folder), "--vkey", log.vkey)
    assert ended.code == 10
    assert "entry 0" in ended.out.splitlines()[-1]


def test_a_log_that_was_rolled_back_is_told_by_a_saved_checkpoint(
    command: Command, log: Log, tmp_path: Path
) -> None:
    folder = log.unpack(tmp_path / "log")
    saved = tmp_path / "saved"
    saved.write_bytes(log.files["checkpoint"])
    words = ("verify", str(folder), "--vkey", log.vkey, "--since", str(saved))
    assert command(*words).code == 0
    saved.write_bytes(b"no checkpoint")
    assert command(*words).code != 0


def test_what_is_no_evidence_is_14(command: Command, tmp_path: Path) -> None:
    pdf, text = tmp_path / "report.pdf", tmp_path / "notes.txt"
    pdf.write_bytes(b"%PDF-1.7")
    text.write_text("hello")
    (tmp_path / "empty").mkdir()
    for path, said in ((pdf, "pages alone"), (text, "neither"), (tmp_path / "empty", "missing")):
        ended = command("verify", str(path), "--vkey", STRANGER)
        assert ended.code == 14
        assert said in ended.out.splitlines()[-1]
    assert command("verify", str(tmp_path / "nowhere")).code == 2


def test_no_answer_is_5_and_anything_unforeseen_14(
    command: Command, server: Server, log: Log
) -> None:
    server.on("GET", "/log/checkpoint", httpx.ConnectError("nobody"))
    assert command("verify", "--vkey", log.vkey).code == 5
    server.on("GET", "/log/checkpoint", RuntimeError("a fault"))
    assert command("verify", "--vkey", log.vkey).code == 14
    for status in (401, 403, 404, 410):
        server.on("GET", "/log/checkpoint", problem(status, "not for you"))
        ended = command("verify", "--vkey", log.vkey)
        assert ended.code == 14
        assert "not for you" in ended.out


def test_the_token_goes_to_its_own_server_alone(command: Command, server: Server, log: Log) -> None:
    log.serve(server)
    assert command("verify", "http://elsewhere.example", "--vkey", log.vkey).code == 0
    assert all("Authorization" not in one.headers for one in server.asked)
    assert command("verify", "--vkey", log.vkey).code == 0
    assert server.asked[-1].headers["Authorization"] == "Bearer gvs_token"
