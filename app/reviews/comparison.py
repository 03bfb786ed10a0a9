"""What changed since the version that is live there now: side by side, nothing weighed.

Both sides come from one snapshot. Where nothing is live there is nothing to compare with,
and that is said; it is not a comparison with nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, cast

from app.catalog import queries
from app.core.events.envelope import version_of
from app.core.policy.decision import decision_from_json
from app.core.report.numbers import rounded

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import Connection

    from app.catalog import values
    from app.core.jsonvalue import Json
    from app.core.policy.decision import Decision

WITH_NUMBERS = frozenset({"metric", "bias"})
"""Kinds of rules that read a number which may get better or worse."""

Key = tuple[str, str, str | None]
"""A metric: its name, the dataset version it was measured on, and the slice or None."""


@dataclass(frozen=True, slots=True)
class Number:
    """A measured number, written for reading, with its interval where one was given."""

    value: str
    n: int | None = None
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One number on both sides. ``delta``: signed; None where one side has none."""

    name: str
    on: str
    live: Number | None
    candidate: Number | None
    delta: str | None


@dataclass(frozen=True, slots=True)
class Text:
    """One thing on both sides, as text; None where it is not recorded."""

    name: str
    live: str | None
    candidate: str | None

    @property
    def changed(self) -> bool:
        return self.live != self.candidate


@dataclass(frozen=True, slots=True)
class Data:
    """A dataset version that one side or both were trained on."""

    subject: str
    live: bool
    candidate: bool


@dataclass(frozen=True, slots=True)
class Live:
    """The version that runs there. ``others``: deployments of the model with other versions."""

    subject: str
    deployment: str
    since: str
    gated: bool | None
    decision_id: str | None
    others: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate and live version. ``live`` None: nothing of this model is live there.

    ``rules``: what each rule read now, and in the decision under which the live version went
    live; empty without such a decision.
    """

    environment: str
    candidate: str
    live: Live | None
    same: bool = False
    metrics: tuple[Measured, ...] = ()
    rules: tuple[Measured, ...] = ()
    data: tuple[Data, ...] = ()
    texts: tuple[Text, ...] = ()
    policies: tuple[Text, ...] = ()


def comparison_of(
    connection: Connection, subject: str, environment: str, decision: Decision
) -> Comparison:
    """Compare a version with the one of its model that is live in ``environment``.

    Of several deployments of the model there, the one that changed last.
    """
    name = version_of(subject)[1]
    running = [
        one
        for one in queries.deployments(connection, environment=environment)
        if one.state == "live" and version_of(one.model_version)[1] == name
    ]
    if not running:
        return Comparison(environment, subject, None)
    last = max(running, key=lambda one: one.step_index)
    others = tuple(
        f"{one.name} runs {one.model_version}"
        for one in running
        if one.model_version != last.model_version
    )
    live = Live(last.model_version, last.name, last.since, last.gated, last.decision_id, others)
    before, now = _version(connection, live.subject), _version(connection, subject)
    then = None
    if last.decision_id is not None:
        stored = queries.decision(connection, last.decision_id)
        then = None if stored is None else _read(stored.decision)
    return Comparison(
        environment,
        subject,
        live,
        same=live.subject == subject,
        metrics=_metrics(connection, live.subject, subject),
        rules=() if then is None else _rules(then, decision),
        data=_data(before.trained_on, now.trained_on),
        texts=_texts(connection, before, now),
        policies=_policies(then, decision),
    )


def _version(connection: Connection, subject: str) -> values.ModelVersion:
    found = queries.model_version(connection, subject)
    if found is None:
        raise AssertionError(subject)
    return found


def _read(stored: Json) -> Decision:
    return decision_from_json(cast("Mapping[str, Json]", stored))


def _metrics(connection: Connection, live: str, candidate: str) -> tuple[Measured, ...]:
    before, now = _latest(connection, live), _latest(connection, candidate)
    return tuple(
        _measured(key[0], _on(key), before.get(key), now.get(key))
        for key in dict.fromkeys([*now, *before])
    )


def _on(key: Key) -> str:
    return key[1] if key[2] is None else f"{key[1]}, {key[2]}"


def _latest(connection: Connection, subject: str) -> dict[Key, Number]:
    """Read each metric's latest number."""
    found: dict[Key, Number] = {}
    for one in queries.evaluations(connection, subject):
        for metric in one.metrics:
            low, high = metric.ci or (None, None)
            found[metric.name, one.dataset_version, metric.slice] = Number(
                _text(metric.value), metric.n, _text(low), _text(high)
            )
    return found


def _text(value: float | None) -> str:
    return "" if value is None else f"{Decimal(repr(value)):f}"


def _measured(name: str, on: str, live: Number | None, candidate: Number | None) -> Measured:
    delta = None
    if live is not None and candidate is not None:
        change = Decimal(candidate.value) - Decimal(live.value)
        delta = "0" if not change else rounded(f"{change:+f}").removeprefix("+")
        delta = f"+{delta}" if change > 0 else delta
    return Measured(name, on, _rounded(live), _rounded(candidate), delta)


def _rounded(one: Number | None) -> Number | None:
    if one is None:
        return None
    low = rounded(one.low) if one.low else None
    high = rounded(one.high) if one.high else None
    return Number(rounded(one.value), one.n, low, high)


def _rules(then: Decision, now: Decision) -> tuple[Measured, ...]:
    """Compare what rules read, where they read a number."""
    before = {one.id: one for one in then.rules}
    found = []
    for rule in (one for one in now.rules if one.kind in WITH_NUMBERS):
        earlier = before.get(rule.id)
        if earlier is None or None in (rule.actual, earlier.actual):
            continue
        sides = [
            Number(
                str(one.actual),
                one.n,
                None if one.ci is None else f"{one.ci.low:f}",
                None if one.ci is None or one.ci.high is None else f"{one.ci.high:f}",
            )
            for one in (earlier, rule)
        ]
        found.append(_measured(rule.id, rule.group or "", *sides))
    return tuple(found)


def _data(live: Iterable[str], candidate: Iterable[str]) -> tuple[Data, ...]:
    before, now = set(live), set(candidate)
    return tuple(Data(one, one in before, one in now) for one in sorted(before | now))


def _texts(
    connection: Connection, live: values.ModelVersion, candidate: values.ModelVersion
) -> tuple[Text, ...]:
    code = [_code(connection, one) for one in (live, candidate)]
    return (
        Text("Artifact", live.digest, candidate.digest),
        Text("Framework", live.framework, candidate.framework),
        Text("Base model", live.base_model, candidate.base_model),
        Text("Run", live.run, candidate.run),
        Text("Code", *code),
    )


def _code(connection: Connection, version: values.ModelVersion) -> str | None:
    run = None if version.run is None else queries.run(connection, version.run)
    if run is None or run.code is None:
        return None
    dirty = " with uncommitted changes" if run.code.dirty else ""
    return f"{run.code.repo} at {run.code.commit[:12]}{dirty}"


def _policies(then: Decision | None, now: Decision) -> tuple[Text, ...]:
    """Compare the policies in force, by name, and the digest of them all."""
    before = {} if then is None else {one.name: one.version for one in then.policies}
    after = {one.name: one.version for one in now.policies}
    digest = None if then is None else then.policy_digest
    return (
        *(Text(name, before.get(name), after.get(name)) for name in sorted({*before, *after})),
        Text("Policy digest", digest, now.policy_digest),
    )
