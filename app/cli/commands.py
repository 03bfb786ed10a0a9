"""Every command there is, by group."""

from __future__ import annotations

import typer

from app.cli import (
    datasets,
    deployments,
    doctor,
    events,
    evidence,
    gates,
    graph,
    ledger,
    lineage,
    models,
    people,
    policies,
    reports,
    review,
    runs,
    safekeeping,
    server,
    signing_in,
    status,
    verify,
)
from app.cli.calling import COMMON
from app.cli.demo.command import demo

app = typer.Typer(
    help="Muniment records, decides and proves what happens to models.",
    epilog=COMMON,
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(server.serve)
app.command()(server.init)
app.command()(doctor.doctor)
app.command()(server.migrate)
app.command()(safekeeping.backup)
app.command()(safekeeping.restore)
app.command()(demo)
for name, group in (("user", people.user), ("role", people.role), ("token", people.token)):
    app.add_typer(group, name=name)
app.command()(signing_in.login)
app.command()(signing_in.logout)
app.command()(signing_in.whoami)
app.add_typer(datasets.dataset, name="dataset")
app.add_typer(models.model, name="model")
app.command()(runs.run)
app.add_typer(evidence.evaluation, name="evaluation")
app.add_typer(evidence.document, name="document")
app.add_typer(evidence.predictions, name="predictions")
app.add_typer(deployments.deployment, name="deployment")
app.add_typer(events.event, name="event")
app.add_typer(gates.gate, name="gate")
app.command()(gates.promote)
app.add_typer(review.review, name="review")
app.add_typer(policies.policy, name="policy")
app.add_typer(lineage.lineage, name="lineage")
app.add_typer(graph.graph, name="graph")
app.command()(status.status)
app.add_typer(reports.report, name="report")
app.command()(verify.verify)
app.add_typer(ledger.ledger, name="ledger")
