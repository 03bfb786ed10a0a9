"""``lineage``: what came from what, what is affected, and why."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app.cli.calling import call_of
from app.cli.exits import REFUSED
from app.cli.printing import table

lineage = typer.Typer(help="Ask where things come from.", no_args_is_help=True)

Node = Annotated[str, typer.Argument(help="A subject, such as dataset/NAME/VERSION, or a gid.")]
Depth = Annotated[int | None, typer.Option(help="Hops to follow.")]
Kinds = Annotated[str | None, typer.Option(help="Kinds to list, separated by commas.")]
AsOf = Annotated[int | None, typer.Option("--as-of", help="Size of the log to answer for.")]
AsOfTime = Annotated[str | None, typer.Option(help="RFC 3339: as things were then.")]
MinSeq = Annotated[int | None, typer.Option(help="Size that the graph must have reached.")]


@lineage.command("upstream")
def upstream(
    context: typer.Context,
    node: Node,
    depth: Depth = None,
    kinds: Kinds = None,
    as_of: AsOf = None,
    as_of_time: AsOfTime = None,
    min_seq: MinSeq = None,
) -> None:
    """List everything it came from."""
    _closure(context, node, "upstream", depth, kinds, as_of, as_of_time, min_seq)


@lineage.command("downstream")
def downstream(
    context: typer.Context,
    node: Node,
    depth: Depth = None,
    kinds: Kinds = None,
    as_of: AsOf = None,
    as_of_time: AsOfTime = None,
    min_seq: MinSeq = None,
) -> None:
    """List everything that came of it."""
    _closure(context, node, "downstream", depth, kinds, as_of, as_of_time, min_seq)


@lineage.command("impact")
def impact(
    context: typer.Context,
    node: Node,
    kind: Annotated[str | None, typer.Option(help="Such as deployment.")] = None,
    state: Annotated[str | None, typer.Option(help="Such as live.")] = None,
    why: Annotated[bool, typer.Option("--why", help="With the shortest way to each.")] = False,
    as_of: AsOf = None,
    as_of_time: AsOfTime = None,
) -> None:
    """List what it affects, such as live deployments."""
    call = call_of(context)
    with call.client() as client:
        answer = client.get(
            "/api/v1/graph/impact",
            node=node,
            kind=kind,
            state=state,
            why="true" if why else None,
            as_of_seq=as_of,
            as_of_time=as_of_time,
        )
    affected = answer["result"]["affected"]
    named = [{"what": _name(one), **one} for one in affected]
    parts = [table(("what", "kind", "state", "distance"), named)] if named else []
    if why:
        parts += [f"why {_name(one)}\n{_path(one['why'])}" for one in affected]
    _answer(context, answer, "\n\n".join(parts), nothing=not affected)


@lineage.command("why")
def why_path(
    context: typer.Context,
    cause: Annotated[str, typer.Argument(metavar="FROM", help="The cause.")],
    effect: Annotated[str, typer.Argument(metavar="TO", help="The effect.")],
    as_of: AsOf = None,
    as_of_time: AsOfTime = None,
) -> None:
    """Show the shortest way from a cause to an effect, entry by entry."""
    call = call_of(context)
    query: dict[str, str | int | None] = {
        "from": cause,
        "to": effect,
        "as_of_seq": as_of,
        "as_of_time": as_of_time,
    }
    with call.client() as client:
        answer = client.get("/api/v1/graph/why", **query)
    path = answer["result"]["path"]
    _answer(context, answer, _path(path or []), nothing=path is None)


def _closure(
    context: typer.Context,
    node: str,
    direction: str,
    depth: int | None,
    kinds: str | None,
    as_of: int | None,
    as_of_time: str | None,
    min_seq: int | None,
) -> None:
    call = call_of(context)
    with call.client() as client:
        answer = client.get(
            "/api/v1/graph/closure",
            node=node,
            direction=direction,
            depth=depth,
            kinds=kinds,
            as_of_seq=as_of,
            as_of_time=as_of_time,
            min_seq=min_seq,
        )
    found = [one for one in answer["result"]["nodes"] if one["distance"] > 0]
    rows = [{"what": _name(one), **one} for one in found]
    text = table(("distance", "kind", "what"), rows) if rows else ""
    _answer(context, answer, text, nothing=not found)


def _answer(context: typer.Context, answer: dict[str, Any], text: str, *, nothing: bool) -> None:
    call = call_of(context)
    if call.json or not nothing:
        call.show(answer, text)
    if answer["status"] != "complete":
        call.red(f"this is not all: the answer is {answer['status']}")
        call.red("  → ask for fewer hops with --depth, or fewer kinds")
    if nothing:
        call.note(f"nothing found, at log size {answer['log_size']}")
        raise typer.Exit(REFUSED)


def _name(node: dict[str, Any]) -> str:
    return str(node.get("subject") or node["gid"])


def _path(edges: list[dict[str, Any]]) -> str:
    return "\n".join(
        f"  {one['src']} {one['type']} {one['dst']}  (entry {one['index']})" for one in edges
    )
