"""A timestamp authority: ``openssl ts`` behind a small HTTP server, with certificates of a test.

``instead`` puts another query in the place of the one that was asked, so that what comes
back is a sound answer to something else.
"""

from __future__ import annotations

import subprocess
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

DAY = timedelta(days=1)

CONFIG = """
[tsa]
default_tsa = main
[main]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256, sha512
accuracy = secs:1
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class Authority:
    """A running authority. ``ca``: PEM of its root. ``asked``: the queries it was sent."""

    folder: Path
    url: str = ""
    asked: list[bytes] = field(default_factory=list)
    instead: Callable[[bytes], bytes | None] | None = None
    status: int = 200

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    @property
    def roots(self) -> list[x509.Certificate]:
        return x509.load_pem_x509_certificates(self.ca.read_bytes())

    def answer(self, query: bytes) -> bytes:
        """Sign an answer to a query."""
        asked, made = self.folder / "asked.tsq", self.folder / "made.tsr"
        asked.write_bytes(query)
        subprocess.run(
            [
                *("openssl", "ts", "-reply", "-config", str(self.folder / "tsa.cnf")),
                *("-section", "main", "-queryfile", str(asked), "-out", str(made)),
            ],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return made.read_bytes()

    def query(self, text: str, *, digest: str = "sha256") -> bytes:
        """Make a query about a text, as somebody else would."""
        stamped, made = self.folder / "stamped", self.folder / "other.tsq"
        stamped.write_text(text)
        subprocess.run(
            [
                *("openssl", "ts", "-query", f"-{digest}", "-data", str(stamped)),
                *("-cert", "-out", str(made)),
            ],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return made.read_bytes()

    def accepts(self, response: bytes, text: str) -> bool:
        """Tell whether ``openssl ts -verify`` accepts a response about a text."""
        answer, stamped = self.folder / "given.tsr", self.folder / "given"
        answer.write_bytes(response)
        stamped.write_text(text)
        ended = subprocess.run(
            [
                *("openssl", "ts", "-verify", "-in", str(answer), "-data", str(stamped)),
                *("-CAfile", str(self.ca)),
            ],
            check=False,
            capture_output=True,
            timeout=30,
        )
        return ended.returncode == 0


def make_authority(folder: Path, *, until: timedelta = DAY) -> Authority:
    """Make keys and certificates. ``until``: from now to the end of the signer's certificate."""
    folder.mkdir(parents=True)
    now = datetime.now(UTC)
    root_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    root_name, name = _name("Test root"), _name("Test authority")
    root = (
        _certificate(root_name, root_name, root_key.public_key(), now - 40 * DAY, now + 40 * DAY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    usage = ExtendedKeyUsageOID.TIME_STAMPING
    signer = (
        _certificate(name, root_name, key.public_key(), now - 30 * DAY, now + until)
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(Encoding.PEM))
    (folder / "tsa.pem").write_bytes(signer.public_bytes(Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIG.format(folder=folder))
    return Authority(folder)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    first: datetime,
    last: datetime,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
    )


@contextmanager
def running(authority: Authority) -> Iterator[Authority]:
    """Run an authority on a free port of this machine."""
    alone = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            with alone:
                authority.asked.append(query)
                body = None
                if authority.instead is not None:
                    body = authority.instead(query)
                if body is None:
                    body = authority.answer(query)
            self.send_response(authority.status)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        authority.url = f"http://127.0.0.1:{server.server_port}/"
        try:
            yield authority
        finally:
            server.shutdown()
            thread.join()
