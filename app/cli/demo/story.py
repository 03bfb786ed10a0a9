"""The demo from beginning to end: which steps there are, and in which order."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from app.cli.demo import credit, founding, judging, proving
from app.cli.demo.stage import Servers, Stage
from app.cli.demo.transcript import Surprise, Transcript
from app.client import Refused, Unreachable

if TYPE_CHECKING:
    from app.cli.demo.stage import Person

FAILED = 1
NOT_SET_UP = 2


def cached() -> Path:
    """Tell where `make demo-data` puts the data."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "muniment" / "demo" / "german.csv"


def missing(*, on_servers: bool) -> str | None:
    """Say what the demo lacks; None: nothing."""
    if on_servers and not os.environ.get("MUNIMENT_DATABASE_URL"):
        return "MUNIMENT_DATABASE_URL does not name the database that --owner-url is about"
    try:
        import sklearn  # noqa: F401 - only whether it is there
    except ImportError:
        return "the demo trains its models with scikit-learn, which is not installed"
    if not cached().is_file():
        return f"the demo's data is not at {cached()}"
    try:
        credit.read(cached())
    except ValueError as failure:
        return str(failure)
    return None


def servers(owner_url: str) -> Servers:
    """Name the database servers of the environment."""
    named = ("MUNIMENT_DATABASE_URL", "MUNIMENT_NEO4J_")
    variables = {name: value for name, value in os.environ.items() if name.startswith(named)}
    return Servers(variables, owner_url)


def tell(folder: Path | None = None, on: Servers | None = None) -> int:
    """Tell the story in ``folder``, else in a new one; returns the exit code.

    ``on``: with the log on those servers; otherwise it is in the folder, too.
    """
    began = time.monotonic()
    place = Path(tempfile.mkdtemp(prefix="muniment-demo-")) if folder is None else folder
    say = Transcript(place)
    stage = Stage(place, say, on)
    cast = founding.people()
    try:
        _prologue(say)
        _first_act(stage, cast)
        _second_act(stage, cast)
        _third_act(stage, cast)
    except (Surprise, Refused, Unreachable, OSError, subprocess.SubprocessError) as surprise:
        say.say(f"\nStep {say.number} did not go as it has to: {surprise}")
        say.say(f"What there is lies in {place}")
        return FAILED
    finally:
        stage.stop()
    _epilogue(stage, time.monotonic() - began)
    return 0


def _prologue(say: Transcript) -> None:
    say.step(
        "What is fixed before anything is measured",
        f"data: the German credit data, {credit.ROWS} applicants (Database Contents License), "
        f"SHA-256 {credit.SHA256[:16]}…\n"
        f"folds: {credit.FOLDS}, stratified, seed {credit.SEED}; every applicant is scored by a "
        "model that has not seen them\n"
        f"decision: credit where P(good) is at least {credit.THRESHOLD}\n"
        f"groups: sex, and age {credit.YOUNG} or under against older, and both together\n"
        "policy: demo-credit, see policies/demo-credit.yaml: roc_auc at least 0.70; impact ratio "
        "at least 0.80 and equal opportunity difference at most 0.10, each for its whole 95 % "
        "interval, else a validator decides; approved data; a model card; two signatures",
    )
    for recipe in credit.RECIPES:
        say.say(f"version {recipe.version}: {recipe.summary}")


def _first_act(stage: Stage, cast: dict[str, Person]) -> None:
    founding.found(stage, cast)
    founding.invite(stage, cast)
    founding.employ(stage, cast)
    founding.legislate(stage, cast)


def _second_act(stage: Stage, cast: dict[str, Person]) -> None:
    say, path = stage.transcript, cached()
    judging.register(stage, cast["carl"], path)
    first, second, third = credit.RECIPES
    say.step("Version 1 is refused", f"It is {first.summary}: the obvious first try.")
    judging.submit(stage, path, first)
    judging.check_denied(judging.promote(stage, "1", (1,)))
    say.step("Version 2 is mended, and not enough", f"It is {second.summary}.")
    judging.submit(stage, path, second)
    promotion = judging.promote(stage, "2", (1, 3))
    if promotion["decision"]["gate"] == "PENDING":
        say.say(
            "The numbers do not refuse it and do not clear it either, so the policy asks a "
            "validator. Vera does not take it on."
        )
        judging.review(
            stage, cast["vera"], promotion, "reject", "review",
            "The young are still selected clearly less often; mend the model, not the excuse",
        )  # fmt: skip
    say.step("Version 3 is mended by a method", f"It is {third.summary}.")
    judging.submit(stage, path, third)
    promotion = judging.promote(stage, "3", (3,))
    _sign(stage, cast, promotion)


def _sign(stage: Stage, cast: dict[str, Person], promotion: dict[str, object]) -> None:
    say = stage.transcript
    say.step("The pipeline waits for people", "It goes on by itself when they have signed.")
    waiting = judging.wait_for_people(stage, "3")
    try:
        say.step(
            "The author may not approve",
            "Ida is a validator too; but this is her pipeline's model, so she is one of those "
            "whom the policy excludes.",
        )
        judging.try_to_approve_own(stage, cast["ida"], promotion)
        if waiting.poll() is not None:
            raise Surprise("the pipeline did not wait for anybody's signature")
        accept = judging.open_rules(promotion)
        taken = f", and takes on what the numbers leave open: {', '.join(accept)}" * bool(accept)
        say.step("A validator and the compliance officer sign", f"Vera has looked{taken}.")
        reason = "The cut-offs were found without the rows they are judged on"
        if accept:
            reason += "; what is still open, I take on until more applicants are known"
        judging.review(stage, cast["vera"], promotion, "approve", "review", reason, accept)
        judging.review(
            stage, cast["carl"], promotion, "approve", "approval",
            "Purpose, data and limits are documented and acceptable",
        )  # fmt: skip
        allowed = judging.released(stage, waiting, str(promotion["id"]))
    finally:
        waiting.kill()
    say.step("It is deployed", "The decision is named, and used up by it.")
    judging.deploy(stage, "3", str(allowed["decision"]["decision_id"]))


def _third_act(stage: Stage, cast: dict[str, Person]) -> None:
    say, vkey = stage.transcript, str(stage.transcript.record["vkey"])
    say.step("Where did the data go, and why?")
    proving.trace(stage)
    say.step("A report for the auditor", "PDF/A with the evidence inside, and a bundle of proofs.")
    _, bundle = proving.report(stage, cast["carl"])
    say.step(
        "A stranger verifies",
        "The server is stopped. All the stranger has is the bundle and the key from step 2.",
    )
    stage.stop()
    proving.verify(stage, bundle, vkey)
    say.step("Somebody improves the past")
    if stage.servers is None:
        proving.alter_copy(stage, vkey)
    else:
        proving.alter_as_owner(stage, stage.servers.owner, vkey)
    say.step("Somebody forges a bundle")
    proving.forge_bundle(stage, bundle, vkey)


def _epilogue(stage: Stage, seconds: float) -> None:
    say, place = stage.transcript, stage.folder
    say.step(
        f"Done in {seconds:.0f} seconds; every step went as it honestly has to",
        f"report      {place / 'model-audit.pdf'}\n"
        f"bundle      {place / 'model-audit.bundle.zip'}\n"
        f"key         {say.record['vkey']}\n"
        f"record      {place / 'demo.json'}\n"
        f"people      {place / founding.SECRETS} (passwords and authenticators)\n"
        f"look around MUNIMENT_SIGNER_STATE={place / 'signer-state.json'} "
        f"muniment serve --data-dir {place / 'log'}"
        f"{', with the servers named as they were' if stage.servers else ''}",
    )
