"""Every page once with something on it. A page without a line here fails.

``SEED`` is played once before: what a page needs to be filled is recorded there, over HTTP, as
a client would. Names are fixed, so that most paths are plain text.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from app.notify.outbox import About, By, Notice, State, put
from tests.slices.gates.bank import STRADDLING, UNFAIR, Bank
from tests.slices.reviews.deciding import decide

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.living import Person, World

LONG = "l" + "-long-name" * 9


@dataclass
class Town:
    """A world with something in it. ``notes``: what a seed found out, for paths of visits."""

    world: World
    notes: dict[str, str]


Path: TypeAlias = "str | Callable[[Town], str]"


@dataclass(frozen=True)
class Visit:
    """How a page is opened. ``who``: by name, None: nobody.

    ``also``: the same page in its other states (empty, with an error, with long texts).
    """

    path: Path
    who: str | None = "ada"
    also: tuple[Path, ...] = ()


def people(town: Town) -> None:
    """Let people come: vera and carl review, erin engineers, omar may read."""
    Bank.founded(town.world)
    town.world.person("omar", "compliance_officer", "auditor")


def bank_of(town: Town) -> Bank:
    """Give the bank whose people ``people`` let come."""
    known = town.world.people
    staff = ("erin", "paul", "petra", "dora", "vera", "carl")
    return Bank(town.world, **{name: known[name] for name in staff})


def records(town: Town) -> None:
    """Register a few things, one with a long name."""
    erin = town.world.people["erin"]
    for name in ("credit", LONG):
        about = {"owner": "data-team", "licence": "CC0-1.0", "description": f"Applicants of {name}"}
        town.world.record(erin, "dataset.registered", f"dataset/{name}", about)
    model = {"owner": "risk", "purpose": "Scores credit applications", "risk_tier": "high"}
    town.world.record(erin, "model.registered", "model/credit-risk", model)


def bank(town: Town) -> None:
    """Let a bank decide about credit: one version live, one asked for, one bare."""
    world = town.world
    for name, roles in (
        ("paul", ("policy_author",)),
        ("petra", ("policy_author",)),
        ("dora", ("reviewer", "data-steward")),
        ("carl", ("reviewer", "compliance")),
    ):
        if name not in world.people:
            world.person(name, *roles)
    names = ("erin", "paul", "petra", "dora", "vera", "carl")
    founded = Bank(world, **{name: world.people[name] for name in names})
    founded.publish()
    first = founded.ready("1")
    promotion = founded.promote(first)
    founded.sign(promotion)
    decision = founded.show(promotion)["decision"]["decision_id"]
    assert founded.deploy(first, decision).status_code == 201
    town.notes["promotion"] = founded.promote(founded.another("2"))
    founded.model("3", labels={"branch": "main"})
    long = {"owner": LONG, "purpose": "p" * 300, "risk_tier": "limited"}
    world.record(founded.erin, "model.registered", f"model/{LONG}", long)


def promotions(town: Town) -> None:
    """Let more be asked for: what straddles, what is clean, what fails."""
    founded = bank_of(town)
    client = town.world.client(founded.erin)
    [signed] = client.get("/api/v1/promotions?subject=model/credit/1").json()["items"]
    [review, _] = founded.show(signed["id"])["reviews"]
    straddling = founded.model("4", framework="xgboost")
    numbers = [{"name": "roc_auc", "value": 0.8312, "n": 4000, "ci": [0.8142, 0.8481]}]
    founded.evaluated(straddling, metrics=numbers)
    founded.counted(straddling, STRADDLING)
    founded.card(straddling)
    town.notes |= {
        "signed": signed["id"],
        "receipt": f"/promotions/{signed['id']}/reviews/{review['index']}",
        "straddling": founded.promote(straddling),
        "clean": founded.promote(founded.another("5")),
        "failing": founded.promote(founded.another("6", UNFAIR)),
    }


def promotion(which: str, more: str = "") -> Path:
    return lambda town: f"/promotions/{town.notes[which]}{more}"


def to_be_signed(town: Town) -> str:
    """Let vera fill in the form, and give the page that checks it."""
    path = f"/promotions/{town.notes['clean']}"
    decide(town.world, town.world.people["vera"], town.notes["clean"])
    return f"{path}/sign"


SEED: tuple[Callable[[Town], None], ...] = (people, records, bank, promotions)
"""Played in this order; a slice adds its own at the end."""


def secret_of(link: str) -> str:
    return link.rsplit("/", 1)[1]


def invitation(town: Town) -> str:
    """Invite somebody, and give the path of their link."""
    world = town.world
    body = {"name": f"new-{len(town.notes)}", "printed_name": "New Person"}
    made = world.client(world.ada).post("/api/v1/invitations", json=body).json()
    town.notes[body["name"]] = made["url"]
    return f"/invitations/{secret_of(made['url'])}"


def report(town: Town) -> str:
    """Order a report once, and give the path of its page."""
    if "report" not in town.notes:
        omar = town.world.client(town.world.people["omar"])
        asked = {"type": "model-audit", "scope": "model/credit/1"}
        town.notes["report"] = omar.post("/api/v1/reports", json=asked).json()["id"]
    return f"/reports/{town.notes['report']}"


def deciding_entry(town: Town) -> str:
    """Find an entry with a lot in it: a decision."""
    found = town.world.client(town.world.ada).get("/api/v1/events?type=gate.decided&limit=1")
    return f"/ledger/{found.json()['items'][0]['index']}"


def grant_waiting(town: Town) -> str:
    """Let one of two administrators ask for an approval role once, and give what waits."""
    world = town.world
    if "grant" not in town.notes:
        if "greta" not in world.people:
            world.person("greta", "administrator")
        path = f"/api/v1/users/{world.people['omar'].id}/roles"
        why = {"role": "model-validator", "reason": "Validates while vera is away. " * 4}
        town.notes["grant"] = world.client(world.ada).post(path, json=why).json()["grant_id"]
    return f"/admin/roles/waiting/{town.notes['grant']}"


def reset_waiting(town: Town) -> str:
    """Let an administrator ask for a reset of dora, and give the page that confirms it."""
    grant_waiting(town)
    world, dora = town.world, town.world.people["dora"].id
    if "reset" not in town.notes:
        world.tick(86_400)
        why = {"reason": "Her telephone fell into the canal."}
        path = f"/api/v1/users/{dora}/factor-reset"
        town.notes["reset"] = world.client(world.ada).post(path, json=why).json()["state"]
    return f"/admin/people/{dora}/reset"


def waits_for_administrators(town: Town) -> str:
    """Open the overview while a grant and a reset wait."""
    reset_waiting(town)
    return "/admin"


def person(name: str, more: str = "") -> Path:
    return lambda town: f"/admin/people/{town.world.people[name].id}{more}"


def grant_of(town: Town) -> str:
    """Find the page that revokes a role of vera's."""
    users = town.world.client(town.world.ada).get("/api/v1/users").json()["items"]
    vera = next(one for one in users if one["name"] == "vera")
    return f"/admin/roles/{vera['roles'][-1]['grant']}/revoke"


def token_of(town: Town) -> str:
    """Make a token once, use it, and give the page that revokes it."""
    if "token" not in town.notes:
        made = town.world.token("event:append", owner=town.world.people["erin"])
        town.world.client(made).get("/api/v1/me")
        town.notes["token"] = made.id
    return f"/admin/tokens/{town.notes['token']}/revoke"


def tokens(town: Town) -> str:
    """Open the list of tokens with one in it."""
    token_of(town)
    return "/admin/tokens"


def drafted_environments(town: Town) -> str:
    """Let paul draft another list of environments, for somebody else to publish."""
    body = {"environments": ["development", "shadow", "production"]}
    town.world.client(town.world.people["paul"]).post("/api/v1/environments", json=body)
    return "/admin/environments"


def notices(town: Town) -> str:
    """Open the notices with one that arrived, one that waits and one that was given up."""
    world = town.world
    if "notices" not in town.notes:
        town.notes["notices"] = "there"
        at, promotion = world.clock.now, f"promotion/{town.notes['promotion']}"
        one = Notice(About.REVIEW_WAITING, 60, promotion, By.WEBHOOK, at, at, attempts=1)
        hers = replace(one, by=By.MAIL, to=world.people["vera"].id)
        long = "https://hooks.example:443 does not answer: certificate verify failed: " * 2
        for kept in (
            replace(one, about=About.PROMOTION_DECIDED, index=61, problem=long, attempts=4),
            replace(one, state=State.DELIVERED, over_at=at),
            replace(hers, state=State.DEAD, problem="the name is no mail address", over_at=at),
        ):
            world.house.ledger.operate(partial(put, notice=kept))
    return "/admin/notices"


def grant_to(town: Town) -> str:
    """Ask about a grant that is full of conflicts: erin builds what she would approve."""
    erin = town.world.people["erin"].id
    return f"/admin/roles/grant?user={erin}&role=model-validator&scope=model/*@production"


VISITS: Mapping[str, Visit] = {
    "GET /": Visit("/", who=None),
    "GET /inbox": Visit(
        "/inbox", who="vera", also=("/inbox?group=yours&model=none", "/inbox?group=decided")
    ),
    "GET /promotions": Visit("/promotions?subject=model/credit/1&environment=staging", who="erin"),
    "GET /promotions/{promotion_id}": Visit(
        promotion("straddling"),
        who="vera",
        also=(
            promotion("straddling", "?decide=approve"),
            promotion("failing"),
            promotion("signed"),
            "/promotions/none",
        ),
    ),
    "GET /promotions/{promotion_id}/sign": Visit(to_be_signed, who="vera"),
    "GET /promotions/{promotion_id}/reviews/{index}": Visit(
        lambda town: town.notes["receipt"], who="vera"
    ),
    "GET /start": Visit("/start"),
    "GET /search": Visit("/search?q=credit", also=("/search", "/search?q=nothing-holds-this")),
    "GET /account": Visit("/account", also=("/account?done=password",)),
    "GET /admin": Visit("/admin", also=(waits_for_administrators,)),
    "GET /admin/people": Visit("/admin/people", also=("/admin/people?q=none",)),
    "GET /admin/people/{user}": Visit(person("vera"), also=(person("erin", "?done=granted"),)),
    "GET /admin/people/{user}/disable": Visit(person("vera", "/disable")),
    "GET /admin/people/{user}/sessions": Visit(person("vera", "/sessions")),
    "GET /admin/people/{user}/reset": Visit(person("vera", "/reset"), also=(reset_waiting,)),
    "GET /admin/roles": Visit("/admin/roles"),
    "GET /admin/roles/grant": Visit(grant_to, also=("/admin/roles/grant?user=none&role=NONE",)),
    "GET /admin/roles/waiting/{id_}": Visit(grant_waiting),
    "GET /admin/roles/{grant}/revoke": Visit(grant_of),
    "GET /admin/tokens": Visit(tokens),
    "GET /admin/tokens/new": Visit("/admin/tokens/new"),
    "GET /admin/tokens/{token}/revoke": Visit(token_of),
    "GET /admin/sessions": Visit("/admin/sessions"),
    "GET /admin/trail": Visit("/admin/trail"),
    "GET /admin/notices": Visit(notices),
    "GET /admin/environments": Visit("/admin/environments", also=(drafted_environments,)),
    "GET /help": Visit("/help"),
    "GET /problems/{slug}": Visit("/problems/stale-review", who=None, also=("/problems/none",)),
    "GET /sign-in": Visit("/sign-in?next=/help", who=None),
    "GET /setup/{secret}": Visit("/setup/over", who=None),
    "GET /invitations/{secret}": Visit(invitation, who=None, also=("/invitations/none",)),
    "GET /models": Visit("/models", also=("/models?q=none", "/models?sort=-owner&limit=1")),
    "GET /models/{name}": Visit(
        "/models/credit", also=("/models/credit-risk", f"/models/{LONG}", "/models/none")
    ),
    "GET /models/{name}/versions": Visit(
        "/models/credit/versions", also=("/models/credit-risk/versions",)
    ),
    "GET /models/{name}/compare": Visit("/models/credit/compare?left=1&right=3"),
    "GET /models/{name}/evidence": Visit(
        "/models/credit/evidence", also=("/models/credit-risk/evidence",)
    ),
    "GET /models/{name}/decisions": Visit(
        "/models/credit/decisions", also=("/models/credit-risk/decisions",)
    ),
    "GET /models/{name}/deployments": Visit(
        "/models/credit/deployments", also=("/models/credit-risk/deployments",)
    ),
    "GET /models/{name}/versions/{version}": Visit(
        "/models/credit/versions/3?for=production",
        who="erin",
        also=("/models/credit/versions/1?for=production", "/models/credit/versions/2"),
    ),
    "GET /datasets": Visit("/datasets", also=("/datasets?q=none",)),
    "GET /datasets/{name}": Visit("/datasets/applicants", also=(f"/datasets/{LONG}",)),
    "GET /datasets/{name}/versions/{version}": Visit("/datasets/applicants/versions/1", who="erin"),
    "GET /ledger": Visit("/ledger", also=("/ledger?subject=none", "/ledger?type=gate.decided")),
    "GET /ledger/integrity": Visit("/ledger/integrity", who="omar"),
    "GET /help/runbooks/{name}": Visit(
        "/help/runbooks/altered-entry", who="omar", also=("/help/runbooks/none",)
    ),
    "GET /ledger/{index}": Visit("/ledger/20", also=("/ledger/0", deciding_entry, "/ledger/9999")),
    "GET /ledger/{index}/redactions": Visit(
        lambda town: f"/ledger/{town.notes['receipt'].rpartition('/')[2]}/redactions",
        who="omar",
        also=("/ledger/0/redactions",),
    ),
    "GET /lineage": Visit(
        "/lineage",
        also=(
            "/lineage?node=model/credit/2&view=list",
            "/lineage?node=dataset/applicants/1&direction=downstream",
            "/lineage?node=model/none/1",
            "/lineage?from=model/credit/2&to=dataset/applicants/1",
        ),
    ),
    "GET /reports": Visit("/reports", who="omar", also=("/reports?limit=1",)),
    "GET /reports/{job_id}": Visit(report, who="omar", also=("/reports/none",)),
    "GET /policies": Visit("/policies", also=("/policies?state=retired",)),
    "GET /policies/{name}": Visit("/policies/production-default"),
    "GET /policies/{name}/versions/{version}": Visit("/policies/production-default/versions/1.0.0"),
    "GET /deployments": Visit("/deployments", also=("/deployments?at=2020-01-01T00:00:00",)),
}


def person_of(town: Town, who: str | None) -> Person | None:
    return None if who is None else town.world.people[who]
