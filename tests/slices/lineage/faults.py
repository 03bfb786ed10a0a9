"""A connection to Neo4j that breaks, or a process that dies, at a step that is chosen.

Steps of a transaction are counted from 0: before each statement, before the commit, and after
it, when the server has it and nobody was told.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from app.lineage.neo4j_graph import Neo4j

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from neo4j import Driver, ManagedTransaction, Session

    Fault = Callable[[], BaseException]


class Crash(BaseException):
    """The process is gone: nobody catches this."""


@dataclass
class Steps:
    """When to fail next. ``at``: the step of a writing transaction, None for never.

    ``fault``: makes what is raised. ``failed``: how often it was.
    """

    fault: Fault = Crash
    at: int | None = None
    failed: int = 0
    _passed: int = 0

    def begin(self) -> None:
        self._passed = 0

    def step(self) -> None:
        if self._passed == self.at:
            self.failed += 1
            raise self.fault()
        self._passed += 1


@dataclass(frozen=True)
class Faulty:
    """Stands in the place of a driver whose connection fails at ``steps``."""

    driver: Driver
    steps: Steps = field(default_factory=Steps)

    def graph(self, database: str = "neo4j") -> Neo4j:
        """Give a database that is reached by it."""
        return Neo4j(cast("Driver", self), database)

    @contextmanager
    def session(self, *, database: str) -> Iterator[Session]:
        with self.driver.session(database=database) as session:
            yield cast("Session", _Session(session, self.steps))

    def close(self) -> None:
        self.driver.close()


@dataclass(frozen=True)
class _Session:
    real: Session
    steps: Steps

    def run(self, *arguments: Any, **parameters: Any) -> object:  # noqa: ANN401 - the driver's own
        return self.real.run(*arguments, **parameters)

    def execute_read(self, work: Callable[..., object], *arguments: object) -> object:
        return self.real.execute_read(work, *arguments)

    def execute_write(self, work: Callable[..., object], *arguments: object) -> object:
        def stepwise(transaction: ManagedTransaction) -> object:
            self.steps.begin()
            done = work(_Transaction(transaction, self.steps), *arguments)
            self.steps.step()
            return done

        done = self.real.execute_write(stepwise)
        self.steps.step()
        return done


@dataclass(frozen=True)
class _Transaction:
    real: ManagedTransaction
    steps: Steps

    def run(self, *arguments: Any, **parameters: Any) -> object:  # noqa: ANN401 - the driver's own
        self.steps.step()
        return self.real.run(*arguments, **parameters)
