"""``policy``: write, test, draft, publish, look at, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import asking
from app.cli.calling import call_of
from app.cli.exits import REFUSED
from app.cli.printing import facts, receipt, show_list

if TYPE_CHECKING:
    from app.core.jsonvalue import Json

policy = typer.Typer(help="The rules that gates decide by.", no_args_is_help=True)

MANY = 20
"""People to imagine in each role, where only the file itself is looked at."""

Cases = Annotated[
    Path | None, typer.Option(exists=True, help="Default: NAME.cases.yaml beside the policy.")
]
Name = Annotated[str, typer.Argument(metavar="NAME")]
Version = Annotated[str, typer.Argument(metavar="VERSION")]


@policy.command("lint")
def lint(context: typer.Context, file: asking.ExistingFile) -> None:
    """Check a policy file by itself; what depends on people, `policy draft` checks."""
    from app.core.policy.lint import lint as find_faults
    from app.gates.policy_files import load, read_policy

    call = call_of(context)
    document = load(file)
    read = read_policy(document)
    move = read.applies.transition
    faults = find_faults(
        read,
        environments=[one for one in (move.from_, move.to) if one is not None],
        holders={role: [f"{role} {number}" for number in range(MANY)] for role in _roles(document)},
        submitters=["somebody else"],
    )
    listed: list[Json] = [{"pointer": one.pointer, "message": one.message} for one in faults]
    sound = "is sound" if not faults else f"has {len(faults)} faults"
    shown = {"name": read.name, "version": read.version, "digest": read.digest}
    text = f"{read.name} {read.version} {sound}\n{read.digest}"
    call.show({**shown, "faults": listed}, text)
    for one in faults:
        call.red(f"{one.pointer} {one.message}")
    if faults:
        call.red(f"  → mend {file} there")
        raise typer.Exit(REFUSED)


@policy.command("test")
def run_policy_cases(
    context: typer.Context,
    file: asking.ExistingFile,
    cases: Cases = None,
    scaffold: Annotated[
        bool, typer.Option("--scaffold", help="Print a case for each outcome not tested yet.")
    ] = False,
) -> None:
    """Run a policy's cases, and name the outcomes that no case reaches."""
    from app.core.policy.cases import run_cases
    from app.core.policy.cases import scaffold as missing_cases
    from app.gates.policy_files import load, read_policy

    call = call_of(context)
    read, written = read_policy(load(file)), _cases(file, cases)
    if scaffold:
        missing = missing_cases(read, written)
        if missing:
            typer.echo(_yaml(missing))
        else:
            call.note("every outcome is tested")
        return
    report = run_cases(read, written)
    results: list[Json] = [
        {"case": one.name, "differs": list(one.differs), "counts": one.counts}
        for one in report.results
    ]
    untested: list[Json] = [[rule, outcome.value] for rule, outcome in report.untested]
    failed = [one for one in report.results if one.differs]
    call.show(
        {"results": results, "untested": untested, "fit_to_publish": report.fit_to_publish},
        f"{len(report.results) - len(failed)} of {len(report.results)} cases as expected",
    )
    for one in failed:
        call.red(f"{one.name}: {'; '.join(one.differs)}")
    for rule, outcome in report.untested:
        call.red(f"no case reaches {outcome.value} of the rule {rule}")
    if not report.fit_to_publish:
        call.red(f"  → muniment policy test {file} --scaffold")
        raise typer.Exit(REFUSED)


@policy.command("draft")
def draft(context: typer.Context, file: asking.ExistingFile, cases: Cases = None) -> None:
    """Draft a policy version with its cases; somebody else publishes it."""
    from app.gates.policy_files import load

    call = call_of(context)
    body: dict[str, Json] = {"document": load(file), "cases": _cases(file, cases)}
    with call.client() as client:
        answer = client.post("/api/v1/policies", body)
    call.show(answer, facts(answer, ("name", "version", "digest")))
    for fault in answer["lint"]:
        call.red(f"not fit to publish: {fault['pointer']} {fault['message']}")
    name, version = answer["name"], answer["version"]
    if not answer["lint"]:
        call.note(f"→ a second person: muniment policy publish {name} {version} --reason R")


@policy.command("publish")
def publish(
    context: typer.Context,
    name: Name,
    version: Version,
    reason: Annotated[str, typer.Option(help="Why.")],
    digest: Annotated[
        str | None, typer.Option(help="What you read; default: what is drafted now.")
    ] = None,
    password_stdin: asking.PasswordStdin = False,
    totp: asking.Totp = None,
) -> None:
    """Put a drafted version into force; signed by you, never by its drafter."""
    call = call_of(context)
    path = f"/api/v1/policies/{name}/versions/{version}"
    with call.signing() as client:
        meant = digest or client.get(path)["digest"]
        call.note(f"publishing {name} {version}, {meant}")
        body = {
            "digest": meant,
            "reason": reason,
            "password": asking.password(from_stdin=password_stdin),
            "totp": asking.totp(totp),
        }
        receipt(call, client.post(f"{path}/publish", body))


@policy.command("list")
def list_policies(
    context: typer.Context,
    state: Annotated[str | None, typer.Option(help="draft, published, replaced, retired.")] = None,
) -> None:
    """List policy versions."""
    call = call_of(context)
    with call.client() as client:
        items = list(client.items("/api/v1/policies", state=state))
    show_list(call, ("name", "version", "state", "digest", "drafter", "publisher"), items)


@policy.command("show")
def show(context: typer.Context, name: Name, version: Version) -> None:
    """Show a policy version."""
    call = call_of(context)
    with call.client() as client:
        document = client.get(f"/api/v1/policies/{name}/versions/{version}")
    names = ("name", "version", "state", "digest", "drafter", "publisher", "published_at")
    call.show(document, f"{facts(document, names)}\n\n{_yaml(document['document'])}")


@policy.command("replay")
def replay(
    context: typer.Context, decision: Annotated[str, typer.Argument(metavar="DECISION")]
) -> None:
    """Compute a recorded decision again, and compare."""
    call = call_of(context)
    with call.client() as client:
        answer = client.get(f"/api/v1/decisions/{decision}/replay")
    holds = "the decision holds" if answer["holds"] else "the decision does NOT hold"
    call.show(answer, f"{holds}\n{facts(answer, ('recorded', 'recomputed', 'differs'))}")
    if not answer["holds"]:
        raise typer.Exit(REFUSED)


def _roles(document: Json) -> set[str]:
    """Find every role that a policy names, anywhere."""
    if isinstance(document, dict):
        named = document.get("role")
        own = {named} if isinstance(named, str) else set()
        return own.union(*map(_roles, document.values()))
    if isinstance(document, list):
        return set().union(*map(_roles, document))
    return set()


def _cases(file: Path, cases: Path | None) -> Json:
    """Read the cases; without a file of them there are none."""
    from app.gates.policy_files import load

    beside = cases or file.with_name(f"{file.name.removesuffix(file.suffix)}.cases.yaml")
    return load(beside) if beside.exists() else []


def _yaml(document: Any) -> str:  # noqa: ANN401 - any JSON value
    from io import StringIO

    from ruamel.yaml import YAML

    out = StringIO()
    writer = YAML()
    writer.width = 100
    writer.dump(document, out)
    return out.getvalue().rstrip()
