"""What is shipped to run Muniment keeps what docs/operations.md says of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
COMPOSE: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "muniment")
SERVERS = ("postgresql", "neo4j")


def secrets(service: dict[str, Any]) -> set[str]:
    return {one if isinstance(one, str) else one["source"] for one in service["secrets"]}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_gains_no_rights(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    allowed = {"CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"} if name in SERVERS else set()
    assert set(service.get("cap_add", [])) == allowed


@pytest.mark.parametrize("name", [*OURS, "postgresql"])
def test_a_root_is_read_only(name: str) -> None:
    assert SERVICES[name]["read_only"] is True


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_says_whether_it_is_well(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"]
    assert "HEALTHCHECK" in (DEPLOY / "Dockerfile").read_text("utf-8")


def test_servers_are_reached_by_muniment_alone() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in SERVERS:
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


@pytest.mark.parametrize("name", SERVICES)
def test_no_secret_stands_in_the_open(name: str) -> None:
    service = SERVICES[name]
    assert secrets(service) <= set(COMPOSE["secrets"])
    for variable, said in service["environment"].items():
        if re.search("PASSWORD|AUTH|KEY|SECRET", variable):
            assert str(said).startswith("/run/secrets/"), variable
        assert not re.search(r"://[^/@]*:[^/@]*@", str(said)), variable
    used = set(re.findall(r"/run/secrets/(\w+)", str(service["environment"])))
    assert used <= secrets(service)


def test_every_secret_is_a_file_that_the_documentation_names() -> None:
    told = (ROOT / "docs/operations.md").read_text("utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
        assert f"`{name}`" in told


def test_a_secret_is_owned_by_whoever_reads_it() -> None:
    """PostgreSQL's image reads what its set-up script names as its own user, Neo4j's as root."""
    told = (ROOT / "docs/operations.md").read_text("utf-8")
    rows = re.findall(r"^\| (`.*`) \| (\d+) \|", told, re.MULTILINE)
    owners = {name: owner for names, owner in rows for name in re.findall(r"`(\w+)`", names)}
    read = {"postgresql": "999", "neo4j": "0", "migrate": "10001", "muniment": "10001"}
    assert owners == {
        name: read[service] for service in SERVICES for name in secrets(SERVICES[service])
    }


def test_only_neo4js_root_may_be_written_to() -> None:
    told = (ROOT / "docs/operations.md").read_text("utf-8")
    assert "read-only roots (but\nNeo4j's" in told
    assert [name for name in SERVICES if not SERVICES[name].get("read_only")] == ["neo4j"]


def test_the_server_is_not_the_owner_of_its_tables() -> None:
    assert "muniment_app@" in SERVICES["muniment"]["environment"]["MUNIMENT_DATABASE_URL"]
    assert "muniment_owner@" in SERVICES["migrate"]["environment"]["MUNIMENT_DATABASE_URL"]
    assert not secrets(SERVICES["muniment"]) & secrets(SERVICES["migrate"])
    waits = SERVICES["muniment"]["depends_on"]["migrate"]
    assert waits == {"condition": "service_completed_successfully"}


@pytest.mark.parametrize("name", OURS)
def test_only_settings_that_there_are_are_set(name: str) -> None:
    listed = (ROOT / "README.md").read_text("utf-8").split("## Settings")[1]
    table = set(re.findall(r"`(MUNIMENT_\w+)`", listed))
    given = SERVICES[name]["environment"].keys()
    assert {one for one in given if one.startswith("MUNIMENT_")} <= table


@pytest.mark.parametrize("name", SERVERS)
def test_an_image_of_others_has_a_version(name: str) -> None:
    assert re.fullmatch(r"\w+:\d+\.\d+[\w.-]*", SERVICES[name]["image"])


def test_the_image_is_built_from_the_locks_and_runs_as_nobody() -> None:
    text = (DEPLOY / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    stages = [line for line in lines if line.startswith("FROM ")]
    assert len(stages) == 2
    assert all(":latest" not in stage and ":" in stage for stage in stages)
    assert text.count("--require-hashes") == 2
    (user,) = [line for line in lines if line.startswith("USER ")]
    assert user == "USER 10001"
    assert not [line for line in lines if line.startswith("ADD ")]
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY ") and "--" not in line]
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []


def test_the_roles_are_those_that_the_addresses_name() -> None:
    path = DEPLOY / "postgresql-roles.sh"
    assert path.stat().st_mode & 0o111, "what is not executable is read into the image's own shell"
    script = path.read_text("utf-8")
    for role in ("muniment_owner", "muniment_app"):
        assert f"CREATE ROLE {role} LOGIN PASSWORD" in script
    assert "LOCALE 'C'" in script
    assert "set -eu" in script


PROTECTIONS = (
    "DynamicUser=yes", "NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes",
    "PrivateTmp=yes", "PrivateDevices=yes", "CapabilityBoundingSet=", "UMask=0077",
    "SystemCallFilter=@system-service", "RestrictSUIDSGID=yes",
)  # fmt: skip


@pytest.mark.parametrize("line", PROTECTIONS)
def test_the_unit_is_hardened(line: str) -> None:
    assert line in (DEPLOY / "muniment.service").read_text("utf-8").splitlines()
