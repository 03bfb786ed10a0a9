"""What Neo4j says decides whether an entry is set aside, or tried again until Neo4j is well."""

from __future__ import annotations

import pytest
from neo4j.exceptions import Neo4jError, ServiceUnavailable

from app.lineage.neo4j_graph import GraphDown, GraphRefuses, connect

NOWHERE = "bolt://127.0.0.1:9"


@pytest.mark.parametrize(
    ("code", "refuses"),
    [
        ("Neo.ClientError.Statement.TypeError", True),
        ("Neo.ClientError.Schema.ConstraintValidationFailed", True),
        ("Neo.DatabaseError.Statement.ExecutionFailed", True),
        ("Neo.DatabaseError.General.UnknownError", False),
        ("Neo.DatabaseError.Transaction.TransactionCommitFailed", False),
        ("Neo.ClientError.Security.Unauthorized", False),
        ("Neo.TransientError.Transaction.DeadlockDetected", False),
    ],
)
def test_a_statement_that_can_never_be_carried_out_is_told_from_a_server_that_is_unwell(
    code: str,
    refuses: bool,
) -> None:
    graph = connect(NOWHERE, "neo4j", "x", "neo4j")
    with graph.driver, pytest.raises(GraphDown) as raised, graph.session():
        raise Neo4jError._hydrate_neo4j(code=code, message="no\nway")  # noqa: SLF001
    assert isinstance(raised.value, GraphRefuses) == refuses
    assert str(raised.value) == f"{code}: no way"


def test_a_server_that_is_not_there_refuses_nothing() -> None:
    graph = connect(NOWHERE, "neo4j", "x", "neo4j")
    with graph.driver, pytest.raises(GraphDown) as raised, graph.session():
        raise ServiceUnavailable("gone")
    assert not isinstance(raised.value, GraphRefuses)
