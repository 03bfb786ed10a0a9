"""A whole Muniment in process, with people in it who come, sign in and sign as people do.

``World`` opens a house in a folder, puts the routes of ``app.main`` around it and asks them
over HTTP without a socket. It holds the time: ``tick`` moves it, and each code that a person
types lies half a minute after the last. Nothing reaches past the routes but ``init``, which
makes the first administrator, ada.

    with World.open(tmp_path) as world:
        erin = world.person("erin", "engineer")
        world.client(erin).post("/api/v1/events", json=...)
        token = world.token("event:append", owner=erin)
        world.client(token).post("/api/v1/events", json=...)
        vera = world.person("vera", "reviewer", "model-validator")
        world.client(vera).post(path, json={**review, **world.signed(vera)})
"""

from __future__ import annotations

import asyncio
import random
import threading
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from shutil import copytree
from typing import TYPE_CHECKING, Any

import httpx
import pyotp
from argon2 import PasswordHasher

from app.house import open_house
from app.main import app_of
from app.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator, Mapping, Sequence
    from pathlib import Path

    from fastapi import FastAPI

    from app.house import House

CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
PASSWORD = "correct horse battery staple"
BEGINNING = datetime(2026, 1, 5, 9, tzinfo=UTC)
SESSION_LASTS = timedelta(minutes=25)
ADDRESS = ("127.0.0.1", 50_000)


class Http:
    """Asks an app, without a socket, on a loop of its own; any thread may ask."""

    def __init__(self, loop: asyncio.AbstractEventLoop, client: httpx.AsyncClient) -> None:
        self._loop = loop
        self._client = client

    @classmethod
    @contextmanager
    def serving(cls, app: FastAPI) -> Iterator[Http]:
        """Start the app, and stop it at the end."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        transport = httpx.ASGITransport(app, client=ADDRESS)
        client = httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")
        lifespan = app.router.lifespan_context(app)
        try:
            asyncio.run_coroutine_threadsafe(_awaited(lifespan.__aenter__()), loop).result()
            try:
                yield cls(loop, client)
            finally:
                asyncio.run_coroutine_threadsafe(client.aclose(), loop).result()
                closing = lifespan.__aexit__(None, None, None)
                asyncio.run_coroutine_threadsafe(_awaited(closing), loop).result()
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    def request(self, method: str, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401
        asking = self._client.request(method, path, **parts)
        answer = asyncio.run_coroutine_threadsafe(asking, self._loop).result()
        self._client.cookies.clear()  # who asks next is another browser
        return answer


class Clock:
    """Stands still until it is moved. ``wrong``: by how much somebody set it, time aside."""

    def __init__(self, beginning: datetime) -> None:
        self.now = beginning
        self.wrong = timedelta()

    def __call__(self) -> datetime:
        return self.now + self.wrong

    def monotonic(self) -> float:
        return self.now.timestamp()


class Entropy:
    """Seeded bytes, for any thread."""

    def __init__(self, seed: int) -> None:
        self._source = random.Random(seed)
        self._lock = threading.Lock()

    def __call__(self, count: int) -> bytes:
        with self._lock:
            return self._source.randbytes(count)


@dataclass
class Person:
    """Somebody with an account, at their authenticator."""

    id: str
    name: str
    authenticator: pyotp.TOTP
    recovery_codes: tuple[str, ...] = ()
    session: str | None = None
    signed_in_at: datetime | None = None


@dataclass(frozen=True)
class Token:
    """A service token as it was shown once."""

    id: str
    secret: str


@dataclass(frozen=True)
class Client:
    """Asks as one caller, or as nobody."""

    world: World
    caller: Person | Token | None

    def get(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self.ask("GET", path, **parts)

    def post(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self.ask("POST", path, **parts)

    def delete(self, path: str, **parts: Any) -> httpx.Response:  # noqa: ANN401 - httpx's own
        return self.ask("DELETE", path, **parts)

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        **parts: Any,  # noqa: ANN401 - httpx's own
    ) -> httpx.Response:
        credentials: dict[str, str] = {}
        if isinstance(self.caller, Token):
            credentials = {"Authorization": f"Bearer {self.caller.secret}"}
        if isinstance(self.caller, Person):
            credentials = {"Authorization": f"Bearer {self.world.session(self.caller)}"}
        sent = {**credentials, **(headers or {})}
        return self.world.http.request(method, path, headers=sent, **parts)


@dataclass
class World:
    """See the module."""

    house: House
    app: FastAPI
    clock: Clock
    http: Http
    people: dict[str, Person] = field(default_factory=dict)
    administrators: list[Person] = field(default_factory=list)

    @classmethod
    @contextmanager
    def copied(cls, closed: World, folder: Path) -> Iterator[World]:
        """Open a copy, below ``folder``, of a world that was closed, with the same people."""
        copytree(closed.house.settings.data_dir.parent, folder, dirs_exist_ok=True)
        clock = Clock(closed.clock.now)
        here = replace(
            closed.house.settings,
            data_dir=folder / "data",
            signer_state=folder / "signer-state.json",
        )
        house = open_house(here, clock, Entropy(2), CHEAP, clock.monotonic)
        app = app_of(house)
        with Http.serving(app) as http:
            people = deepcopy(closed.people)
            first = [people[one.name] for one in closed.administrators]
            yield cls(house, app, clock, http, people, first)

    @classmethod
    @contextmanager
    def open(
        cls,
        folder: Path,
        settings: Settings | None = None,
        beginning: datetime = BEGINNING,
        database_url: str | None = None,
    ) -> Iterator[World]:
        """Open a new house below ``folder``, with ada as its administrator.

        ``database_url``: of a prepared PostgreSQL database that holds the log in a file's place.
        """
        clock = Clock(beginning)
        chosen = replace(
            settings or Settings(),
            data_dir=folder / "data",
            database_url=database_url,
            signer_state=folder / "signer-state.json",
        )
        house = open_house(chosen, clock, Entropy(1), CHEAP, clock.monotonic)
        made = house.init("ada", PASSWORD)
        app = app_of(house)
        with Http.serving(app) as http:
            world = cls(house, app, clock, http)
            codes = made["recovery_codes"]
            assert isinstance(codes, list)
            ada = Person(
                str(made["admin"]), "ada", _scan(str(made["otpauth"])), tuple(map(str, codes))
            )
            world.people["ada"] = ada
            world.administrators.append(ada)
            yield world

    @property
    def ada(self) -> Person:
        """The first administrator."""
        return self.people["ada"]

    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.now += timedelta(seconds=seconds)

    def totp(self, person: Person) -> str:
        """Show a code that was not used yet: half a minute later than the last one."""
        self.tick(30)
        return person.authenticator.at(self.clock.now)

    def signed(self, person: Person) -> dict[str, str]:
        """Give what a signature asks for: password and a fresh code."""
        return {"password": PASSWORD, "totp": self.totp(person)}

    def client(self, caller: Person | Token | None) -> Client:
        """Ask as a person (who signs in when it is time to), a token, or nobody."""
        return Client(self, caller)

    def session(self, person: Person) -> str:
        """Give a session of the person that has not ended."""
        since = person.signed_in_at
        if person.session is None or since is None or self.clock.now >= since + SESSION_LASTS:
            body = {"name": person.name, **self.signed(person)}
            person.session = str(
                expect(200, self.client(None).post("/api/v1/sessions", json=body))["session"]
            )
            person.signed_in_at = self.clock.now
        return person.session

    def person(self, name: str, *roles: str) -> Person:
        """Let somebody be invited, enrol, and be granted roles, approval roles among them."""
        invited = expect(
            201,
            self.client(self.ada).post(
                "/api/v1/invitations", json={"name": name, "printed_name": name.title()}
            ),
        )
        link = f"/api/v1/invitations/{str(invited['url']).rsplit('/', 1)[1]}"
        nobody = self.client(None)
        accepted = expect(200, nobody.post(f"{link}/accept", json={"password": PASSWORD}))
        someone = Person(str(invited["id"]), name, _scan(str(accepted["totp_uri"])))
        code = {"totp": self.totp(someone)}
        confirmed = expect(200, nobody.post(f"{link}/confirm", json=code))
        someone.session, someone.signed_in_at = str(confirmed["session"]), self.clock.now
        codes = confirmed["recovery_codes"]
        assert isinstance(codes, list)
        someone.recovery_codes = tuple(map(str, codes))
        self.people[name] = someone
        for role in roles:
            self.grant(someone, role)
        return someone

    def grant(self, person: Person, role: str, **where: str) -> int:
        """Grant a role (``team=``, ``scope=``), by as many administrators as it takes.

        Returns the entry that grants it.
        """
        asked = self.client(self.ada).post(
            f"/api/v1/users/{person.id}/roles", json={"role": role, **where}
        )
        if asked.status_code == 202:
            second = next(one for one in self.administrators if one not in (self.ada, person))
            path = f"/api/v1/role-grants/{asked.json()['grant_id']}/confirm"
            asked = self.client(second).post(path)
        granted = expect(201, asked)
        if role == "administrator":
            self.administrators.append(person)
        return int(str(granted["grant"]))

    def token(self, *scopes: str, owner: Person | None = None, **limits: str) -> Token:
        """Make a service token. ``owner``: ada unless another person is given."""
        body = {"name": "-".join(scopes).replace(":", "-"), "scopes": scopes, **limits}
        if owner is not None:
            body["owner"] = owner.id
        made = expect(201, self.client(self.ada).post("/api/v1/tokens", json=body))
        return Token(str(made["id"]), str(made["token"]))

    def record(
        self,
        caller: Person | Token,
        kind: str,
        subject: str,
        data: Mapping[str, object],
        **more: object,
    ) -> dict[str, Any]:
        """Record an event and return its receipt."""
        body = {"type": kind, "subject": subject, "data": data, **more}
        return expect(201, self.client(caller).post("/api/v1/events", json=body))

    def publish(
        self, document: Mapping[str, Any], cases: Sequence[Any], drafter: Person, publisher: Person
    ) -> dict[str, Any]:
        """Let one person draft a policy and another one publish it; return the receipt."""
        body = {"document": document, "cases": cases}
        drafted = expect(201, self.client(drafter).post("/api/v1/policies", json=body))
        path = f"/api/v1/policies/{drafted['name']}/versions/{drafted['version']}/publish"
        self.session(publisher)  # renewed before the code is shown, or the sign-in would use it
        signed = {"digest": drafted["digest"], "reason": "agreed", **self.signed(publisher)}
        return expect(201, self.client(publisher).post(path, json=signed))


def expect(status: int, answer: httpx.Response) -> dict[str, Any]:
    """Read an answer's JSON object, if its status is that."""
    assert answer.status_code == status, f"{answer.status_code}: {answer.text}"
    body = answer.json()
    assert isinstance(body, dict)
    return body


async def _awaited(work: Awaitable[object]) -> None:
    await work


def _scan(address: str) -> pyotp.TOTP:
    scanned = pyotp.parse_uri(address)
    assert isinstance(scanned, pyotp.TOTP)
    return scanned
