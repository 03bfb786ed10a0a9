"""First act: a log, people with their roles, a pipeline, and rules that two people agreed on."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from app.cli.demo.stage import OPERATOR, OWNER, Hidden, Person
from app.cli.demo.transcript import Surprise
from app.resources import Resource, folder

if TYPE_CHECKING:
    from app.cli.demo.stage import Stage

POLICY = "demo-credit"
SECRETS = "people.json"
SCOPES = (
    "event:append,evidence:write,gate:check,promotion:request,deployment:record,read,lineage:ingest"
)


def people() -> dict[str, Person]:
    """Everybody in the story. Only the roles say what anybody may do."""
    everybody = (
        Person("rita", "Rita Root", "administrator"),
        Person(
            "ida", "Ida Iversen", "data scientist, and a validator of other people's models",
            ("engineer", "reviewer", "model-validator"),
        ),
        Person("paul", "Paul Pereira", "writes the policy", ("policy_author",)),
        Person("vera", "Vera Varga", "validates models", ("reviewer", "model-validator")),
        Person(
            "carl", "Carl Castillo", "compliance officer",
            ("reviewer", "compliance", "compliance_officer"),
        ),
    )  # fmt: skip
    return {one.name: one for one in everybody}


def found(stage: Stage, cast: dict[str, Person]) -> None:
    """Make the log and its first administrator, and start the server."""
    say, rita = stage.transcript, cast["rita"]
    say.step(
        "A log is founded",
        "It gets a signing key. Whoever knows the verifier key below can check everything this "
        "log will ever say, without us.",
    )
    if stage.servers is not None:
        say.say("It is kept on database servers; whoever owns the tables makes them first.")
        stage.run("migrate", by=OWNER)
    words = ("init", "--admin", "rita", "--password-stdin", "--json")
    made = stage.run(*words, by=OPERATOR, given=rita.password, shown="").document
    rita.otpauth = str(made["otpauth"])
    say.say(f"verifier key: {made['vkey']}")
    say.keep("vkey", made["vkey"])
    stage.start()
    say.say(f"`muniment serve` answers at {stage.url}")
    say.keep("url", stage.url)
    stage.run("doctor", by=OPERATOR)
    login = ("login", "rita", "--password-stdin", "--totp", rita.code())
    stage.run(*login, who=rita, given=rita.password)


def invite(stage: Stage, cast: dict[str, Person]) -> None:
    """Let everybody in, with the roles that the administrator grants."""
    say, rita = stage.transcript, cast["rita"]
    say.step(
        "Four people come in",
        "Each by a link that works once, with a password and an authenticator of their own. The "
        "administrator grants the roles; being alone, every one of these grants is marked so "
        "for good.",
    )
    for person in cast.values():
        if person is not rita:
            _let_in(stage, person, rita)
    keep_secrets(stage, cast)


def _let_in(stage: Stage, person: Person, rita: Person) -> None:
    """Invite somebody, who accepts with an authenticator; grant the roles."""
    stage.transcript.say(f"{person.printed_name}: {person.job}")
    words = ("user", "add", person.name, "--printed-name", person.printed_name, "--json")
    link = Hidden(str(stage.run(*words, who=rita, shown="").document["url"]), "LINK")
    accept = ("user", "accept", link, "--password-stdin", "--json")
    accepted = stage.run(*accept, who=person, given=person.password, shown="")
    person.otpauth = str(accepted.document["totp_uri"])
    confirm = ("user", "confirm", link, "--totp", person.code())
    stage.run(*confirm, who=person, shown="recovery codes, shown this once; signed in")
    for role in person.roles:
        stage.run("role", "grant", person.name, role, who=rita)


def keep_secrets(stage: Stage, cast: dict[str, Person]) -> None:
    """Let whoever runs the demo sign in as anybody afterwards."""
    path = stage.folder / SECRETS
    path.touch(0o600)
    secrets = {
        one.name: {"password": one.password, "otpauth": one.otpauth} for one in cast.values()
    }
    path.write_text(json.dumps(secrets, indent=2), encoding="utf-8")


def employ(stage: Stage, cast: dict[str, Person]) -> None:
    """Make the pipeline's token: by the machine's operator, or on servers by an administrator."""
    say = stage.transcript
    say.step(
        "The pipeline gets a token",
        "It is for Ida, who answers for what the pipeline does. It may record and ask; approving "
        "is no scope that a token could have.",
    )
    who = None
    if stage.servers is None:
        say.say("The operator makes it, on the machine itself.")
    else:
        say.say(
            "Whoever makes it has a part in everything it does, and Rita has just granted the "
            "roles: so somebody else makes it."
        )
        who = Person("olga", "Olga Okafor", "runs the servers", ("administrator",))
        _let_in(stage, who, cast["rita"])
        cast["olga"] = who
        keep_secrets(stage, cast)
    words = ("token", "create", "pipeline", "--scope", SCOPES, "--owner", "ida", "--json")
    made = stage.run(*words, who=who, by=OPERATOR, shown="the token, shown this once")
    stage.token = str(made.document["token"])


def legislate(stage: Stage, cast: dict[str, Person]) -> None:
    """Draft the policy by one person, publish it by another."""
    say, rita = stage.transcript, cast["rita"]
    path = folder(Resource.POLICIES) / f"{POLICY}.yaml"
    say.step(
        "Two people put the policy into force",
        "Paul writes it and may not publish it; Rita publishes it. Its expected decisions "
        f"(policies/{POLICY}.cases.yaml) are tried first; without them nobody could publish.",
    )
    drafted = stage.run("policy", "draft", str(path), "--json", who=cast["paul"], shown="")
    document: dict[str, Any] = drafted.document
    if document["lint"]:
        raise Surprise(f"the policy may not be published: {json.dumps(document['lint'])}")
    say.say(f"digest: {document['digest']}")
    say.keep("policy", {"name": POLICY, "digest": document["digest"]})
    version = str(document["version"])
    stage.run(
        "policy", "publish", POLICY, version, "--reason", "agreed with the risk committee",
        "--password-stdin", "--totp", rita.code(), who=rita, given=rita.password,
    )  # fmt: skip
