"""Events about what runs where."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class DeploymentStarted:
    """A deployment of a model version began, under ``deployment/<environment>/<name>``.

    ``decision_id``: of the gate's ALLOW it uses up. ``target``: where, in the deployer's
    words. ``revision``: the deployer's own number.
    """

    TYPE: ClassVar[str] = "deployment.started.v1"
    environment: str
    name: str
    model_version: str
    decision_id: str | None = None
    target: str | None = None
    revision: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DeploymentSucceeded:
    """The model version is live there now.

    It happened, so it is never refused for its decision; ``gated`` is set by the service
    and false where no usable decision was named, ``ungated_because`` says why.
    """

    TYPE: ClassVar[str] = "deployment.succeeded.v1"
    environment: str
    name: str
    model_version: str
    decision_id: str | None = None
    target: str | None = None
    revision: str | None = None
    gated: bool = False
    ungated_because: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DeploymentFailed:
    """The deployment did not come about; what was live before still is."""

    TYPE: ClassVar[str] = "deployment.failed.v1"
    environment: str
    name: str
    model_version: str
    decision_id: str | None = None
    target: str | None = None
    revision: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DeploymentRolledBack:
    """The deployment went back: ``model_version`` is what runs now instead."""

    TYPE: ClassVar[str] = "deployment.rolled_back.v1"
    environment: str
    name: str
    model_version: str
    decision_id: str | None = None
    target: str | None = None
    revision: str | None = None
    labels: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class DeploymentRetired:
    """Nothing runs there any more; ``model_version`` is what ran last."""

    TYPE: ClassVar[str] = "deployment.retired.v1"
    environment: str
    name: str
    model_version: str
    decision_id: str | None = None
    target: str | None = None
    revision: str | None = None
    labels: Mapping[str, str] | None = None
