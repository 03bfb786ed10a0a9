"""The things in the graph, and the one identifier each of them has (``gid``).

    dataset:<name>    dataset_version:<name>/<version>    run:<id>
    model:<name>      model_version:<name>/<version>      deployment:<environment>/<name>
    deployment_revision:<environment>/<name>@<moment>[/<model>/<version>]

A subject never holds a colon and a gid always does, so either may be given for a node.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class NodeKind(StrEnum):
    """What a node is; in PROV a run is an activity and all others are entities.

    DEPLOYMENT_REVISION: what a deployment was from one moment on. ENTITY: anything else that
    an event names as an input, an output or a source.
    """

    DATASET = "dataset"
    DATASET_VERSION = "dataset_version"
    RUN = "run"
    MODEL = "model"
    MODEL_VERSION = "model_version"
    DEPLOYMENT = "deployment"
    DEPLOYMENT_REVISION = "deployment_revision"
    ENTITY = "entity"


# First part of a subject and its number of parts.
_KINDS: Mapping[tuple[str, int], NodeKind] = {
    ("dataset", 2): NodeKind.DATASET,
    ("dataset", 3): NodeKind.DATASET_VERSION,
    ("run", 2): NodeKind.RUN,
    ("model", 2): NodeKind.MODEL,
    ("model", 3): NodeKind.MODEL_VERSION,
    ("deployment", 3): NodeKind.DEPLOYMENT,
}


def gid_of(subject: str) -> str:
    """Name the node of a subject: ``dataset/credit/3`` is ``dataset_version:credit/3``."""
    parts = subject.split("/")
    kind = _KINDS.get((parts[0], len(parts)))
    return f"{NodeKind.ENTITY}:{subject}" if kind is None else f"{kind}:{'/'.join(parts[1:])}"


def revision_gid(deployment: str, moment: str, model_version: str | None) -> str:
    """Name what the subject ``deployment`` was from ``moment`` (as the log writes times) on.

    ``model_version``: subject of what ran, None where nothing did. The name depends on what
    happened and not on the entry that tells it, so a report told twice is one revision.
    """
    name = deployment.removeprefix("deployment/")
    ran = "" if model_version is None else "/" + model_version.removeprefix("model/")
    return f"{NodeKind.DEPLOYMENT_REVISION}:{name}@{moment}{ran}"


def kind_of(gid: str) -> NodeKind:
    """Tell a node's kind by its gid."""
    return NodeKind(gid.partition(":")[0])


def subject_of(gid: str) -> str | None:
    """Tell the subject that the node stands for; a deployment's revision has none."""
    kind, _, name = gid.partition(":")
    if kind == NodeKind.DEPLOYMENT_REVISION:
        return None
    return name if kind == NodeKind.ENTITY else f"{kind.removesuffix('_version')}/{name}"
