"""The German credit data, three models of it, and what each decides out of sample.

``python -m app.cli.demo.credit DATA VERSION`` trains one version and writes three files into
the working folder: the model, its predictions, its metrics.

Everything that could be tuned until it looks well is a constant here, fixed beforehand and
printed: folds, seed, threshold, recipe. Each row is scored by a model that has not seen it.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float64]
    Flags = NDArray[np.bool_]

SHA256 = "321ff0594e1f887ad6bf05dc51d34c616f1c32dca8c7cdb141434df295f67997"
ROWS = 1000
FOLDS = 5
SEED = 1994
THRESHOLD = 0.7
YOUNG = 25
NUMBERS = ("job", "credit_amount", "duration", "age")
PROTECTED = ("sex", "age")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one version is made. ``leaves_out``: columns the model never sees."""

    version: str
    summary: str
    leaves_out: tuple[str, ...] = ()
    equal_opportunity: bool = False


RECIPES = (
    Recipe("1", "gradient boosting on all columns"),
    Recipe("2", "the same, without the columns sex and age", PROTECTED),
    Recipe(
        "3",
        "as version 2, with a cut-off for each age group that lets through equal shares of "
        "those who repay (Hardt, Price, Srebro 2016)",
        PROTECTED,
        equal_opportunity=True,
    ),
)


@dataclass(frozen=True, slots=True)
class Applicants:
    """1,000 people who got a credit. ``good``: repaid; ``young``: 25 or under."""

    rows: tuple[dict[str, str], ...]
    good: Flags
    young: Flags


@dataclass(frozen=True, slots=True)
class Trained:
    """``scores``: P(good) out of sample, moved so that one threshold fits all.

    ``selected``: who would get the credit. ``artifact``: the model fitted on all rows.
    """

    recipe: Recipe
    scores: Scores
    selected: Flags
    roc_auc: float
    artifact: bytes


def read(path: Path) -> Applicants:
    """Read the data. Raises ValueError unless it is exactly the file that was agreed on."""
    import numpy as np

    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise ValueError(f"{path} is not the file this demo was made for")
    rows = tuple(csv.DictReader(io.StringIO(content.decode())))
    return Applicants(
        rows,
        np.array([row["risk"] == "1" for row in rows]),
        np.array([int(row["age"]) <= YOUNG for row in rows]),
    )


def train(applicants: Applicants, recipe: Recipe) -> Trained:
    """Cross-fit: score every fold by a model that was fitted on the others."""
    from sklearn.metrics import roc_auc_score

    table = _table(applicants, recipe)
    scores = _cross_fitted(applicants, table, recipe)
    return Trained(
        recipe,
        scores,
        scores >= THRESHOLD,
        float(roc_auc_score(applicants.good, scores)),
        pickle.dumps(_fitted(applicants, table, recipe)),
    )


def predictions_csv(applicants: Applicants, trained: Trained) -> str:
    """Write what is uploaded: who belongs where, what was decided, what was true."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["sex", "age_group", "repaid", "score", "selected"])
    for row, young, good, score, selected in zip(
        applicants.rows,
        applicants.young,
        applicants.good,
        trained.scores,
        trained.selected,
        strict=True,
    ):
        group = "to-25" if young else "over-25"
        writer.writerow([row["sex"], group, int(good), f"{score:.9f}", int(selected)])
    return out.getvalue()


def _table(applicants: Applicants, recipe: Recipe) -> Scores:
    from sklearn.feature_extraction import DictVectorizer

    features = [
        {
            name: float(value) if name in NUMBERS else value
            for name, value in row.items()
            if name != "risk" and name not in recipe.leaves_out
        }
        for row in applicants.rows
    ]
    table: Scores = DictVectorizer(sparse=False).fit_transform(features)
    return table


def _model() -> Any:  # noqa: ANN401 - scikit-learn is published without types
    from sklearn.ensemble import GradientBoostingClassifier

    return GradientBoostingClassifier(random_state=SEED)


def _folds(good: Flags, table: Scores) -> Any:  # noqa: ANN401 - as above
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(FOLDS, shuffle=True, random_state=SEED).split(table, good)


def _plain(good: Flags, table: Scores) -> Scores:
    """Score each row of ``table`` by a model fitted on the other folds."""
    import numpy as np

    scores = np.zeros(len(good))
    for others, fold in _folds(good, table):
        scores[fold] = _model().fit(table[others], good[others]).predict_proba(table[fold])[:, 1]
    return scores


def _cross_fitted(applicants: Applicants, table: Scores, recipe: Recipe) -> Scores:
    """Score out of sample; a cut-off, too, is found without the rows it is used on."""
    good, young = applicants.good, applicants.young
    scores = _plain(good, table)
    if not recipe.equal_opportunity:
        return scores
    for others, fold in _folds(good, table):
        inner = _plain(good[others], table[others])
        move = _move(inner, good[others], young[others])
        scores[fold] += move * young[fold]
    return scores


def _move(scores: Scores, good: Flags, young: Flags) -> float:
    """Find what to add to the scores of the young, so that equal shares of the good pass."""
    import numpy as np

    share = float(np.mean(scores[good & ~young] >= THRESHOLD))
    cut = float(np.quantile(scores[good & young], 1 - share))
    return THRESHOLD - cut


def _fitted(applicants: Applicants, table: Scores, recipe: Recipe) -> dict[str, Any]:
    """Fit on all rows what would be deployed, by the same recipe."""
    good, young = applicants.good, applicants.young
    model = _model().fit(table, good)
    move = _move(_plain(good, table), good, young) if recipe.equal_opportunity else 0.0
    return {"model": model, "threshold": THRESHOLD, "added_up_to_25": move}


def main(path: Path, version: str) -> None:
    """Train a version and write what came of it."""
    recipe = next(one for one in RECIPES if one.version == version)
    applicants = read(path)
    trained = train(applicants, recipe)
    metrics = [{"name": "roc_auc", "value": round(trained.roc_auc, 6), "n": ROWS}]
    Path(f"credit-risk-{version}.pickle").write_bytes(trained.artifact)
    Path(f"predictions-{version}.csv").write_text(predictions_csv(applicants, trained))
    Path(f"metrics-{version}.json").write_text(json.dumps(metrics))
    sys.stdout.write(f"version {version}: {recipe.summary}; roc_auc {trained.roc_auc:.4f}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
