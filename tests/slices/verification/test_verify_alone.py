"""The one file inside every bundle: it needs nothing of Muniment, and is the one published."""

from __future__ import annotations

import ast
import hashlib
import subprocess
import sys
import venv
import zipfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from app.core.ledger.bundle_words import KNOWN_READMES, KNOWN_VERIFIERS, README
from app.core.ledger.canonical import canonical as core_canonical
from app.core.ledger.trust import TrustedKey
from app.verification import verify
from app.verification.bundles import VERIFIER, zip_of
from tests.core.ledger.sample import OTHER_VERIFIER
from tests.core.ledger.sample import VERIFIER as KEY
from tests.core.ledger.test_bundle_audit import FILES, relisted
from tests.core.ledger.test_bundle_outside import POLICY, bundle, cosigned
from tests.vectors.shipped import BUNDLE, VKEY

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.core.jsonvalue import Json

SOURCE = Path(verify.__file__)
CARRIED = ("cryptography", "cffi", "pycparser", "_cffi_backend")


def test_it_imports_the_standard_library_and_cryptography_alone() -> None:
    imported = set()
    for node in ast.walk(ast.parse(VERIFIER)):
        if isinstance(node, ast.Import):
            imported |= {name.name.partition(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0
            imported.add(str(node.module).partition(".")[0])
    assert imported - sys.stdlib_module_names == {"cryptography"}


def test_the_published_digest_is_that_of_the_file() -> None:
    digest = hashlib.sha256(VERIFIER).hexdigest()
    assert digest == KNOWN_VERIFIERS[0]
    formats = Path(__file__).resolve().parents[3] / "docs/formats/bundle.md"
    assert digest in formats.read_text("utf-8")
    assert hashlib.sha256(README).hexdigest() in KNOWN_READMES
    assert set(verify.READMES) == KNOWN_READMES
    assert tuple(KNOWN_VERIFIERS[1:]) == verify.EARLIER


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[int, str]]:
    """Run Python where nothing but cryptography can be imported."""
    folder = tmp_path_factory.mktemp("alone")
    venv.create(folder / "venv", symlinks=True)
    (packages,) = (folder / "venv").glob("lib/python3*/site-packages")
    for name in CARRIED:
        spec = find_spec(name)
        if spec is not None and spec.origin is not None:
            found = Path(spec.origin)
            there = found.parent if found.stem == "__init__" else found
            (packages / there.name).symlink_to(there)

    def run(*words: str | Path, cwd: Path = folder) -> tuple[int, str]:
        ended = subprocess.run(
            [folder / "venv/bin/python", "-I", "-B", *words],
            cwd=cwd,
            env={},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        return ended.returncode, ended.stdout + ended.stderr

    assert run("-c", "import app")[0] == 1
    assert run("-c", "import sqlalchemy")[0] == 1
    return run


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    for name, raw in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(raw)
    return folder


WHOLE = relisted({**FILES, "verify.py": VERIFIER})
PROOF = "entries/000000000003.tlog-proof"


def test_it_verifies_the_bundle_that_it_lies_in(
    alone: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    folder = unpacked(tmp_path / "whole", WHOLE)
    code, said = alone("verify.py", "--vkey", KEY.vkey(), cwd=folder)
    assert code == 0, said
    assert said.endswith("VALID: 3 entries are in the signed log\n")
    assert alone("verify.py", cwd=folder)[0] == 14
    assert alone("verify.py", "--vkey", OTHER_VERIFIER.vkey(), cwd=folder)[0] == 13
    assert alone("verify.py", "--vkey", "none", cwd=folder)[0] == 2
    assert alone("verify.py", "--nothing", cwd=folder)[0] == 2
    assert sorted(one.name for one in folder.iterdir()) == sorted({n.split("/")[0] for n in WHOLE})
    (folder / PROOF).unlink()
    code, said = alone("verify.py", "--vkey", KEY.vkey(), cwd=folder)
    assert code == 14
    assert f"{PROOF}: the bundle does not have it" in said


def test_it_verifies_a_bundle_that_lies_elsewhere(
    alone: Callable[..., tuple[int, str]], tmp_path: Path
) -> None:
    vkey = VKEY.read_text().strip()
    assert alone(SOURCE, BUNDLE, "--vkey", vkey)[0] == 0
    altered = tmp_path / "altered.zip"
    with zipfile.ZipFile(BUNDLE) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    name = "members/000000000011.json"
    altered.write_bytes(zip_of({**files, name: files[name].replace(b"credit", b"kredit")}))
    code, said = alone(SOURCE, altered, "--vkey", vkey)
    assert code == 10
    assert "entry 11, member uri: the value, its salt or its commitment was changed" in said
    assert alone(SOURCE, tmp_path / "none.zip", "--vkey", vkey)[0] == 14


def test_without_cryptography_nothing_is_proven(tmp_path: Path) -> None:
    venv.create(tmp_path / "bare", symlinks=True)
    ended = subprocess.run(
        [tmp_path / "bare/bin/python", "-I", "-B", SOURCE],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (ended.returncode, ended.stderr) == (
        14,
        "verify.py needs the Python package `cryptography`\n",
    )


def test_another_program_in_its_place_is_named() -> None:
    for program in (b"print('VALID')\n", VERIFIER + b"\n"):
        bundle = verify.Bundle({**WHOLE, "verify.py": program}, [])
        said = "\n".join(bundle.verify(None).lines)
        assert "verify.py: it is none that this verifier knows" in said


def run(*words: str | Path) -> tuple[int, str]:
    code, said = verify.run([str(word) for word in words])
    return code, "\n".join(said)


def test_it_takes_a_trust_file_and_a_witness_policy(tmp_path: Path) -> None:
    folder = unpacked(tmp_path / "b", bundle(cosigned((0, 1))))
    trust, policy = tmp_path / "trust", tmp_path / "policy"
    trust.write_text(f'{{"log":[{{"vkey":"{KEY.vkey()}","from_size":0,"to_size":null}}]}}')
    policy.write_text(f"# whom we ask\n{POLICY}")
    code, said = run(folder, "--trust", trust, "--witnesses", policy)
    assert code == 0
    assert "the quorum two is met" in said
    policy.write_text(POLICY.replace("group two 2", "group two all"))
    code, said = run(folder, "--trust", trust, "--witnesses", policy)
    assert code == 14
    assert "the quorum two is NOT met: cosigned by W0, W1" in said
    trust.write_text(f"\n{KEY.vkey()}\n")
    assert run(folder, "--trust", trust)[0] == 0


@pytest.mark.parametrize(
    "trust",
    [
        "{}",
        '{"log":{}}',
        '{"log":[],"more":[]}',
        '{"log":[1]}',
        '{"log":[{"vkey":1}]}',
        f'{{"log":[{{"vkey":"{KEY.vkey()}","more":1}}]}}',
        f'{{"log":[{{"vkey":"{KEY.vkey()}","to_size":true}}]}}',
        f'{{"log":[{{"vkey":"{KEY.vkey()}","from_size":3,"to_size":2}}]}}',
        f'{{"log":[{{"vkey":"{KEY.vkey()}","revoked_root":"{"A" * 43}="}}]}}',
        f'{{"log":[{{"vkey":"{KEY.vkey()}","revoked_at_size":1,"revoked_root":1}}]}}',
        "no key",
        "a+b+c",
        f"{KEY.vkey()[:-1]}x",
        "é+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    ],
)
def test_what_is_no_trust_is_wrong_usage(
    trust: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "trust").write_text(trust)
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, "--trust", tmp_path / "trust")
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "policy",
    [
        b"",
        b"\xff",
        b"quorum \x01\n",
        b"quorum none\nquorum none\n",
        b"quorum W1\n",
        b"group two 1\nquorum two\n",
        b"group two 1 W1\nquorum two\n",
        POLICY.replace("two 2", "two 4").encode(),
        POLICY.replace("two 2", "two 0").encode(),
        POLICY.replace("W0 W1 W2\n", "W0 W0\n").encode(),
        POLICY.replace("W1 w1", "W0 w1").encode(),
        POLICY.encode() + POLICY.encode(),
        f"log {KEY.vkey()}\nlog {KEY.vkey()}\nquorum none\n".encode(),
        b"hello\nquorum none\n",
        b"quorum none\n" * 10_000,
    ],
)
def test_what_is_no_witness_policy_is_wrong_usage(
    policy: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "policy").write_bytes(policy)
    with pytest.raises(SystemExit) as ended:
        run(tmp_path, "--witnesses", tmp_path / "policy")
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_a_witness_policy_is_read_as_it_is_meant() -> None:
    any_of = POLICY.replace("two 2", "two any").encode()
    assert verify.Policy(any_of).met({"W2": 0})
    logged = f"log {KEY.vkey()} https://log.example\nquorum none\n".encode()
    assert verify.Policy(logged).met({})


@pytest.mark.parametrize("size", [0, 1, 3, 4, 6, 7, 9])
def test_a_key_signs_the_sizes_that_it_may(size: int) -> None:
    for span in ({"from_size": 3}, {"to_size": 6}, {"revoked_at_size": 4, "from_size": 1}):
        first, last = span.get("from_size", 0), span.get("to_size")
        trusted = TrustedKey(KEY, first, last, span.get("revoked_at_size"))
        ours = verify.Span(verify.Key(KEY.vkey()), {**span}).objection(size)
        assert (ours is None) == (trusted.objection(size) is None)


@pytest.mark.parametrize(
    "value",
    [
        *(0.0, -0.0, 1.0, -1.5, 0.1, 1e-6, 1.5e-6, 1e-7, -2.5e-7, 123456.789, 1e20, 1e21, -1.5e21),
        *(1e300, 5e-324, 1.7976931348623157e308, 0.000123, 100.0, 333333333.33333329, 1e23, 4.5),
        {"\ufb33": 1, "😀": '\u2028\x7f\x1f\n"\\', "a": [None, True, False, -7]},
    ],
)
def test_json_is_written_in_the_one_canonical_way(value: Json) -> None:
    assert verify.canonical(value) == core_canonical(value)


@pytest.mark.parametrize(
    "raw",
    [
        *(b"", b"\xff", b"{", b"NaN", b'{"a":1,"a":1}', b"9007199254740992", b"1e400"),
        *(b"9007199254740993.0", b'"\\ud800"', b"[" * 65 + b"]" * 65, b"[" * 100_000),
        b"123456789012345678901",
    ],
)
def test_json_is_read_strictly(raw: bytes) -> None:
    with pytest.raises(verify.Wrong):
        verify.parse_json(raw)


def test_deep_is_not_too_deep() -> None:
    assert verify.parse_json(b"[" * 64 + b"]" * 64) is not None
