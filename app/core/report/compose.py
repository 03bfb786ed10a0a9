"""Composing a model audit report from its facts."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from app.core.report import decided, exceptions, measured, record, subject
from app.core.report.answer import answer
from app.core.report.document import AuditReport, Cell, Form, Pair, Particulars, Section
from app.core.report.files import embedded_files
from app.core.report.numbers import NO_RECORD, at, count, timestamp
from app.core.report.register import Register

if TYPE_CHECKING:
    from app.core.report.document import Block
    from app.core.report.facts import ReportFacts

SCHEMA = "muniment/report/v1"
TYPE = "model-audit"


def compose(facts: ReportFacts) -> AuditReport:
    """Return the model audit report: the same facts give the same report, byte for byte.

    Raises AssertionError where a fact cites an entry that is not among ``facts.entries``.
    """
    register = Register(facts.entries)
    files = embedded_files(facts)
    found = exceptions.find_exceptions(facts)
    first_page = answer(facts, found, register)
    parts: tuple[tuple[str, str, tuple[Block, ...]], ...] = (
        ("exceptions", "Exceptions in full", exceptions.section(found, register)),
        ("purpose", "Purpose and owners", subject.purpose(facts, register)),
        ("lineage", "Lineage", subject.lineage(facts, register)),
        ("data", "Data", subject.data(facts, register)),
        ("training", "Training and environment", subject.training(facts, register)),
        ("metrics", "Metrics", measured.metrics(facts, register)),
        ("bias", "Bias", measured.bias(facts, register)),
        ("checks", "Checks against policy", decided.checks(facts, register)),
        ("decisions", "Decisions and signatures", decided.decisions(facts, register)),
        ("deployments", "Deployments", decided.deployments(facts, register)),
        ("documents", "Documents", subject.documents(facts, register)),
        ("evidence", "Evidence register", (register.block(),)),
        ("log", "Log extract", record.extract(facts, files[0])),
        ("verify", "How to verify this document", record.verification(facts, files)),
        ("limits", "Limits and missing data", record.limits(facts)),
        ("glossary", "Glossary", record.glossary()),
    )
    return AuditReport(
        schema=SCHEMA,
        type=TYPE,
        document_id=facts.document_id,
        title="Model audit report",
        subtitle=facts.scope,
        created_at=timestamp(facts.as_of),
        checkpoint=f"{facts.log.read:,} entries, root at {facts.log.size:,} {facts.log.root[:16]}",
        generator=facts.generator,
        cover=_cover(facts),
        answer=first_page,
        sections=tuple(
            Section(name, number, title, blocks)
            for number, (name, title, blocks) in enumerate(parts, start=1)
        ),
    )


def _cover(facts: ReportFacts) -> Particulars:
    log = facts.log
    policy = facts.decisions[-1].decision.policy_digest if facts.decisions else NO_RECORD
    return Particulars(
        (
            Pair("Scope", Cell(facts.scope, Form.CODE)),
            Pair("As of", at(facts.as_of)),
            Pair("Document", Cell(facts.document_id, Form.CODE)),
            Pair("Log", Cell(log.origin, Form.CODE)),
            Pair("Entries read", count(log.read)),
            Pair("Size of the checkpoint", count(log.size)),
            Pair("Root of the checkpoint", Cell(log.root, Form.CODE)),
            Pair("SHA-256 of the checkpoint", Cell(_digest(log.checkpoint), Form.CODE)),
            Pair("SHA-256 of the log's key", Cell(_digest(log.vkey), Form.CODE)),
            Pair("Policy digest of the latest decision", Cell(policy, Form.CODE)),
            Pair("Made by", Cell(facts.generator)),
        )
    )


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
