"""Where the page of a subject is, on this site."""

from __future__ import annotations

from urllib.parse import quote


def page_of(subject: str) -> str | None:
    """Give the path of a subject's page; None where it has none of its own.

    Only what ``api.md`` calls a subject has a page: ``model/<name>/<version>``, and so on.
    """
    kind, *rest = subject.split("/")
    named = [quote(part, safe="") for part in rest]
    match kind, named:
        case (("dataset" | "model"), [name]):
            return f"/{kind}s/{name}"
        case (("dataset" | "model"), [name, version]):
            return f"/{kind}s/{name}/versions/{version}"
        case "policy", [name]:
            return f"/policies/{name}"
        case "policy", [name, version]:
            return f"/policies/{name}/versions/{version}"
        case "deployment", [environment, name]:
            return f"/deployments?environment={environment}&name={name}"
        case (("promotion" | "report"), [name]):
            return f"/{kind}s/{name}"
        case _:
            return None


def lineage_of(node: str, base: str = "") -> str:
    """Give the path of the lineage page around a subject or gid."""
    return f"{base}/lineage?node={quote(node, safe='')}"


def entry_of(index: int) -> str:
    """Give the path of the page of an entry."""
    return f"/ledger/{index}"
