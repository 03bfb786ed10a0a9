"""``evaluation``, ``document``, ``predictions``: evidence about a model version."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import asking
from app.cli.asking import subject_parts
from app.cli.calling import call_of
from app.cli.failing import refused
from app.cli.printing import receipt, table
from app.cli.recording import digest_of, labels, post

evaluation = typer.Typer(help="Measured numbers.", no_args_is_help=True)
document = typer.Typer(help="Cards, datasheets, reports.", no_args_is_help=True)
predictions = typer.Typer(help="Predictions, to be counted by group.", no_args_is_help=True)

MEDIA_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}
ModelVersion = Annotated[str, typer.Argument(metavar="MODEL_VERSION", help="model/NAME/VERSION.")]
DatasetVersion = Annotated[str, typer.Option("--dataset", help="dataset/NAME/VERSION.")]
Role = Annotated[str | None, typer.Option(help="Of the dataset, such as eval_set.")]
MeasuredAt = Annotated[str | None, typer.Option(help="RFC 3339; default: now.")]


@evaluation.command("add")
def add_evaluation(
    context: typer.Context,
    model_version: ModelVersion,
    dataset: DatasetVersion,
    producer: Annotated[str, typer.Option(help="Who says so, such as a pipeline's name.")],
    metric: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="May be repeated.")
    ] = None,
    metrics: Annotated[
        Path | None, typer.Option(exists=True, help="JSON: [{name, value, n, ci, slice}].")
    ] = None,
    n: Annotated[
        int | None, typer.Option("--n", help="Rows each --metric was measured on.")
    ] = None,
    role: Role = None,
    measured_at: MeasuredAt = None,
    model_file: Annotated[
        Path | None, typer.Option(exists=True, help="Hash this, not what is registered.")
    ] = None,
    dataset_file: Annotated[
        Path | None, typer.Option(exists=True, help="Hash this, not what is registered.")
    ] = None,
    label: asking.Label = None,
) -> None:
    """Record what was measured of a model version on a dataset version."""
    measured = _metrics(metric, metrics, n)
    model, data = subject_parts(model_version, "model"), subject_parts(dataset, "dataset")
    call = call_of(context)
    with call.client() as client:
        digests = [
            digest_of(file)
            if file is not None
            else str(client.get(f"/api/v1/{kind}/{name}/versions/{number}")["digest"])
            for file, kind, (name, number) in (
                (model_file, "models", model),
                (dataset_file, "datasets", data),
            )
        ]
        subject = f"model/{model[0]}/{model[1]}"
        body = {
            "model_version": subject,
            "dataset_version": f"dataset/{data[0]}/{data[1]}",
            "model_digest": digests[0],
            "dataset_digest": digests[1],
            "metrics": measured,
            "producer": producer,
            "role": role,
            "measured_at": measured_at,
            "labels": labels(label),
        }
        receipt(call, post(client, "evaluation.recorded", subject, body))


@document.command("add")
def add_document(
    context: typer.Context,
    subject: Annotated[str, typer.Argument(help="model/NAME/VERSION or dataset/NAME/VERSION.")],
    file: asking.ExistingFile,
    kind: Annotated[str, typer.Option(help="card, datasheet, validation_report, ...")],
    title: Annotated[str | None, typer.Option(help="Default: the file's name.")] = None,
) -> None:
    """Record a file about a model version or a dataset version."""
    about = subject.partition("/")[0]
    if about not in ("model", "dataset"):
        raise refused(
            f"{subject!r} takes no documents", "write model/NAME/VERSION or dataset/NAME/VERSION"
        )
    name, number = subject_parts(subject, about)
    media_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    fields: dict[str, str | list[str]] = {"kind": kind, "title": title or file.name}
    call = call_of(context)
    with call.client() as client:
        path = f"/api/v1/{about}s/{name}/versions/{number}/documents"
        receipt(call, client.upload(path, file, media_type, fields))


@predictions.command("upload")
def upload(
    context: typer.Context,
    file: asking.ExistingFile,
    model_version: ModelVersion,
    dataset: DatasetVersion,
    attribute: Annotated[list[str], typer.Option(help="Protected attribute; repeatable.")],
    favourable: Annotated[str, typer.Option(help="The outcome good for the person.")],
    prediction: Annotated[str | None, typer.Option(help="Column of decisions.")] = None,
    score: Annotated[str | None, typer.Option(help="Column of scores, with --threshold.")] = None,
    threshold: Annotated[str | None, typer.Option(help="Scores from here are positive.")] = None,
    label: Annotated[str | None, typer.Option(help="Column of what turned out true.")] = None,
    positive_label: Annotated[str | None, typer.Option()] = None,
    role: Role = None,
    measured_at: MeasuredAt = None,
) -> None:
    """Upload predictions (CSV or Parquet); prints what the service counted by group."""
    if (prediction is None) is (score is None):
        raise refused("name the column that decides", "--prediction COLUMN, or --score COLUMN")
    if (score is None) is not (threshold is None):
        raise refused("a score needs a threshold, and only a score", "--score C --threshold T")
    name, number = subject_parts(model_version, "model")
    given: dict[str, str | list[str] | None] = {
        "dataset": "/".join(("dataset", *subject_parts(dataset, "dataset"))),
        "attributes": attribute,
        "favourable_outcome": favourable,
        "prediction": prediction,
        "score": score,
        "threshold": threshold,
        "label": label,
        "positive_label": positive_label,
        "role": role,
        "measured_at": measured_at,
    }
    fields = {key: value for key, value in given.items() if value is not None}
    media_type = MEDIA_TYPES.get(file.suffix.lower(), "application/octet-stream")
    call = call_of(context)
    with call.client() as client:
        path = f"/api/v1/models/{name}/versions/{number}/predictions"
        answer = client.upload(path, file, media_type, fields)
    call.show(answer, "\n\n".join(_counted(one) for one in answer["tables"]))
    call.note(f"evidence {answer['evidence']['digest']}, entry {answer['evidence']['index']}")


def _metrics(metric: list[str] | None, file: Path | None, n: int | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    if file is not None:
        found += _read_metrics(file)
    for name, value in asking.pairs(metric, "--metric").items():
        try:
            one: dict[str, Any] = {"name": name, "value": float(value)}
        except ValueError:
            raise refused(f"{value!r} is no number", f"--metric {name}=0.75") from None
        found.append(one if n is None else one | {"n": n})
    if not found:
        raise refused("nothing was measured", "--metric NAME=VALUE, or --metrics FILE")
    return found


def _read_metrics(file: Path) -> list[dict[str, Any]]:
    from app.core.ledger.canonical import parse_json

    read = parse_json(file.read_bytes())
    if not isinstance(read, list) or not all(isinstance(one, dict) for one in read):
        raise refused(f"{file} is no JSON array of metrics", "[{name, value, n, ci, slice}, ...]")
    return [dict(one) for one in read if isinstance(one, dict)]


def _counted(one: dict[str, Any]) -> str:
    """Write one table of counts; what has no value is a dash, never 0."""
    rows = [
        {
            "group": ", ".join(f"{name}={value}" for name, value in group["group"].items()),
            "n": "under 5" if group["n"] is None else group["n"],
            "selected": group["selected"],
            "rate": _value(group["selection_rate"]),
            "impact_ratio": _value(group["impact_ratio"]),
            "interval": _interval(group["impact_ratio"]),
        }
        for group in one["groups"]
    ]
    written = table(("group", "n", "selected", "rate", "impact_ratio", "interval"), rows)
    return "\n".join([written, *(f"note: {note}" for note in one["notes"])])


def _value(measured: dict[str, Any] | None) -> str | None:
    if measured is None or measured["value"] is None:
        return None
    return f"{float(measured['value']):.3f}"


def _interval(ratio: dict[str, Any] | None) -> str | None:
    if ratio is None or ratio["low"] is None:
        return None
    high = "…" if ratio["high"] is None else f"{float(ratio['high']):.3f}"
    return f"{float(ratio['low']):.3f} to {high}"
