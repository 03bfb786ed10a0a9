"""The environment is read once, and what cannot be read is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.core.errors import Rejected
from app.settings import Settings, TokenKey, read_settings


def test_without_variables_every_setting_has_its_default() -> None:
    assert read_settings({}) == Settings()
    assert read_settings({"MUNIMENT_PORT": "", "MUNIMENT_HOST": ""}) == Settings()


def test_each_variable_is_read() -> None:
    read = read_settings(
        {
            "MUNIMENT_DATA_DIR": "/srv/muniment",
            "MUNIMENT_PUBLIC_URL": "https://muniment.example/",
            "MUNIMENT_DATABASE_URL": "postgresql+psycopg://me:secret@db.example/muniment",
            "MUNIMENT_NEO4J_URI": "neo4j+s://graph.example:7687",
            "MUNIMENT_NEO4J_USER": "muniment",
            "MUNIMENT_NEO4J_PASSWORD": "a secret too",
            "MUNIMENT_NEO4J_DATABASE": "lineage",
            "MUNIMENT_LOG_ORIGIN": "muniment.example/log",
            "MUNIMENT_SIGNING_KEY": "/keys/log",
            "MUNIMENT_SIGNER_STATE": "/state/log",
            "MUNIMENT_WITNESSES": "/etc/witnesses",
            "MUNIMENT_TIMESTAMP_URL": "https://tsa.example/",
            "MUNIMENT_TIMESTAMP_CA": "/etc/tsa.pem",
            "MUNIMENT_TIMESTAMP_MINUTES": "5",
            "MUNIMENT_HOST": "0.0.0.0",  # noqa: S104 - only read
            "MUNIMENT_PORT": "8443",
            "MUNIMENT_LOG_PUBLIC": "yes",
            "MUNIMENT_MAX_BODY": "1024",
            "MUNIMENT_TRUSTED_PROXIES": "10.0.0.1, 10.0.0.2",
        }
    )
    assert read.data_dir == Path("/srv/muniment")
    assert read.public_url == "https://muniment.example"
    assert read.log_origin == "muniment.example/log"
    assert (read.signing_key, read.signer_state) == (Path("/keys/log"), Path("/state/log"))
    assert (read.host, read.port, read.max_body) == ("0.0.0.0", 8443, 1024)  # noqa: S104
    assert read.log_public
    assert read.witnesses == Path("/etc/witnesses")
    assert (read.timestamp_url, read.timestamp_minutes) == ("https://tsa.example/", 5)
    assert read.timestamp_ca == Path("/etc/tsa.pem")
    assert read.database_url == "postgresql+psycopg://me:secret@db.example/muniment"
    assert "secret" not in repr(read)
    assert read.trusted_proxies == ("10.0.0.1", "10.0.0.2")
    assert read.neo4j_uri == "neo4j+s://graph.example:7687"
    assert (read.neo4j_user, read.neo4j_database) == ("muniment", "lineage")
    assert read.neo4j_password == "a secret too"


def test_a_signing_key_may_lie_in_a_token() -> None:
    address = "pkcs11:token=the%20vault;object=log?module-path=/usr/lib/p11.so&pin-source=file:/pin"
    key = read_settings({"MUNIMENT_SIGNING_KEY": address}).signing_key
    assert key == TokenKey("the vault", "log", Path("/usr/lib/p11.so"), Path("/pin"))
    assert "/pin" not in str(key)


@pytest.mark.parametrize(
    "address",
    [
        "pkcs11:",
        "pkcs11:token=a;object=b",
        "pkcs11:token=a;object=b?module-path=/m&pin-value=1234",
        "pkcs11:token=a;object=b?module-path=/m&pin-source=file:/p&pin-value=1234",
        "pkcs11:token=a;object=?module-path=/m&pin-source=file:/p",
        "pkcs11:token=a;token=b;object=b?module-path=/m&pin-source=file:/p",
    ],
)
def test_an_address_of_a_key_in_a_token_is_whole_and_holds_no_pin(address: str) -> None:
    with pytest.raises(Rejected, match="no address of a key in a token") as refused:
        read_settings({"MUNIMENT_SIGNING_KEY": address})
    assert "1234" not in refused.value.detail


@pytest.mark.parametrize(
    "uri",
    [
        "graph.example",
        "http://graph.example",
        "bolt+ssc://graph.example",
        "bolt://",
        "bolt://me@x",
        "bolt://:hush@localhost",
        "bolt://localhost:99999",
        "bolt://[::1",
        "bolt://localhost:7687?a=b",
        "bolt://localhost/graph",
    ],
)
def test_an_address_that_is_no_graph_servers_is_refused(uri: str) -> None:
    with pytest.raises(Rejected, match="MUNIMENT_NEO4J_URI"):
        read_settings({"MUNIMENT_NEO4J_URI": uri, "MUNIMENT_NEO4J_PASSWORD": "x"})


def test_a_graph_server_without_a_password_is_refused() -> None:
    with pytest.raises(Rejected, match="MUNIMENT_NEO4J_PASSWORD"):
        read_settings({"MUNIMENT_NEO4J_URI": "bolt://localhost:7687"})


def test_the_graph_servers_password_may_lie_in_a_file(tmp_path: Path) -> None:
    asked = {"MUNIMENT_NEO4J_URI": "bolt://localhost:7687"}
    asked["MUNIMENT_NEO4J_PASSWORD_FILE"] = str(tmp_path / "password")
    with pytest.raises(Rejected, match="MUNIMENT_NEO4J_PASSWORD_FILE"):
        read_settings(asked)
    (tmp_path / "password").write_text("  \n")
    with pytest.raises(Rejected, match="MUNIMENT_NEO4J_PASSWORD is not"):
        read_settings(asked)
    (tmp_path / "password").write_text("a secret\n")
    assert read_settings(asked).neo4j_password == "a secret"


WEBHOOK = {
    "MUNIMENT_WEBHOOK_URL": "https://hooks.example/T0/path-secret",
    "MUNIMENT_WEBHOOK_SECRET": "whsec_" + "c2VjcmV0" * 4,
}
MAIL = {
    "MUNIMENT_SMTP_URL": "smtps://me:word@mail.example",
    "MUNIMENT_MAIL_FROM": "muniment@bank.example",
}


def test_where_notices_go_is_read_and_no_secret_of_it_is_shown(tmp_path: Path) -> None:
    read = read_settings({**WEBHOOK, **MAIL, "MUNIMENT_WEBHOOK_ALLOW": "Hooks.internal, 10.0.0.7"})
    assert read.webhook_url == WEBHOOK["MUNIMENT_WEBHOOK_URL"]
    assert read.webhook_secret == WEBHOOK["MUNIMENT_WEBHOOK_SECRET"]
    assert read.webhook_allow == ("hooks.internal", "10.0.0.7")
    assert (read.smtp_url, read.mail_from) == tuple(MAIL.values())
    assert not any(word in repr(read) for word in ("path-secret", "whsec_", "word"))
    from_files = {"MUNIMENT_MAIL_FROM": "muniment@bank.example"}
    for name, value in {**WEBHOOK, **MAIL}.items():
        if name != "MUNIMENT_MAIL_FROM":
            (tmp_path / name).write_text(f"{value}\n")
            from_files[f"{name}_FILE"] = str(tmp_path / name)
    filed = read_settings(from_files)
    assert (filed.webhook_url, filed.webhook_secret) == (read.webhook_url, read.webhook_secret)
    assert filed.smtp_url == read.smtp_url


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"MUNIMENT_WEBHOOK_URL": "https://hooks.example/"}, "MUNIMENT_WEBHOOK_SECRET is not"),
        ({"MUNIMENT_WEBHOOK_SECRET": "whsec_c2hvcnQ="}, "MUNIMENT_WEBHOOK_SECRET is not whsec_"),
        ({"MUNIMENT_WEBHOOK_SECRET": "c2VjcmV0" * 4}, "MUNIMENT_WEBHOOK_SECRET is not whsec_"),
        ({"MUNIMENT_WEBHOOK_SECRET": "whsec_?"}, "MUNIMENT_WEBHOOK_SECRET is not whsec_"),
        ({"MUNIMENT_WEBHOOK_SECRET_FILE": "/nowhere"}, "MUNIMENT_WEBHOOK_SECRET_FILE names"),
        ({"MUNIMENT_SMTP_URL": "smtps://mail.example"}, "MUNIMENT_MAIL_FROM is not"),
        ({**MAIL, "MUNIMENT_SMTP_URL": "https://me:word@mail.example"}, "MUNIMENT_SMTP_URL is not"),
        ({**MAIL, "MUNIMENT_SMTP_URL": "smtp://"}, "MUNIMENT_SMTP_URL is not"),
        ({**MAIL, "MUNIMENT_SMTP_URL": "smtp://mail.example:word"}, "MUNIMENT_SMTP_URL is not"),
    ],
)
def test_what_notices_cannot_be_sent_with_is_named_and_not_repeated(
    given: dict[str, str], named: str
) -> None:
    with pytest.raises(Rejected, match=named) as refused:
        read_settings(given)
    assert "word" not in str(refused.value)


@pytest.mark.parametrize(
    ("uri", "unprotected"),
    [
        ("bolt://localhost:7687", False),
        ("neo4j://127.0.0.1:7687", False),
        ("bolt+s://graph.example:7687", False),
        ("neo4j+s://graph.example:7687", False),
        ("bolt://graph.example:7687", True),
        ("neo4j://10.0.0.7:7687", True),
    ],
)
def test_beyond_this_machine_the_graph_server_proves_who_it_is(
    uri: str, *, unprotected: bool
) -> None:
    assert Settings(neo4j_uri=uri).graph_is_reached_unprotected() is unprotected
    knowingly = Settings(neo4j_uri=uri, allow_plain_database=True)
    assert not knowingly.graph_is_reached_unprotected()


def test_the_public_address_follows_the_port() -> None:
    assert read_settings({"MUNIMENT_PORT": "8123"}).public_url == "http://localhost:8123"


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("MUNIMENT_PORT", "http"),
        ("MUNIMENT_DATABASE_URL", "postgresql://localhost/x"),
        ("MUNIMENT_DATABASE_URL", "postgresql+psycopg://localhost:first/x"),
        ("MUNIMENT_DATABASE_URL", "postgresql+psycopg://[::1/x"),
        ("MUNIMENT_PORT", "-1"),
        ("MUNIMENT_MAX_BODY", "10 MiB"),
        ("MUNIMENT_MAX_BODY", "²"),
        ("MUNIMENT_LOG_PUBLIC", "maybe"),
        ("MUNIMENT_ALLOW_HTTP", "2"),
    ],
)
def test_a_value_that_cannot_be_read_is_refused_by_name(name: str, written: str) -> None:
    with pytest.raises(Rejected, match=name):
        read_settings({name: written})


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost", "127.1.2.3"])
def test_loopback_needs_no_protection(host: str) -> None:
    assert not Settings(host=host).listens_beyond_loopback_unprotected()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "muniment.example"])  # noqa: S104
def test_any_other_address_needs_some(host: str) -> None:
    assert Settings(host=host).listens_beyond_loopback_unprotected()
    for protected in (
        Settings(host=host, tls_cert=Path("c"), tls_key=Path("k")),
        Settings(host=host, trusted_proxies=("10.0.0.1",)),
        Settings(host=host, allow_http=True),
    ):
        assert not protected.listens_beyond_loopback_unprotected()


@pytest.mark.parametrize(
    ("address", "safe"),
    [
        ("//muniment_app@/muniment", True),
        ("//muniment_app@/muniment?host=/run/postgresql", True),
        ("//muniment_app@localhost/muniment", True),
        ("//muniment_app@[::1]:5433/muniment", True),
        ("//muniment_app@db.example/muniment?sslmode=verify-full", True),
        ("//muniment_app@db.example/muniment", False),
        ("//muniment_app@db.example/muniment?sslmode=require", False),
        ("//muniment_app@db.example/muniment?sslmode=verify-ca", False),
        ("//muniment_app@/muniment?host=db.example", False),
        ("//muniment_app@localhost/muniment?hostaddr=10.0.0.7", False),
        ("//muniment_app@/muniment?host=/run/postgresql,db.example", False),
    ],
)
def test_a_database_on_another_machine_proves_who_it_is(address: str, safe: bool) -> None:
    given = {"MUNIMENT_DATABASE_URL": f"postgresql+psycopg:{address}"}
    assert read_settings(given).database_is_reached_unprotected() is not safe
    told = given | {"MUNIMENT_ALLOW_PLAIN_DATABASE": "true"}
    assert not read_settings(told).database_is_reached_unprotected()
    assert not Settings().database_is_reached_unprotected()
