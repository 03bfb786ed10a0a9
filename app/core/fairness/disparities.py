"""How far the groups of one table lie apart: which metric, which rates, which comparison."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.fairness.rates import RateName


class Metric(StrEnum):
    """The disparities that a rule may ask for (definitions: ``DEFINITIONS``)."""

    IMPACT_RATIO = "impact_ratio"
    DEMOGRAPHIC_PARITY_DIFFERENCE = "demographic_parity_difference"
    DEMOGRAPHIC_PARITY_RATIO = "demographic_parity_ratio"
    EQUAL_OPPORTUNITY_DIFFERENCE = "equal_opportunity_difference"
    EQUAL_OPPORTUNITY_RATIO = "equal_opportunity_ratio"
    EQUALIZED_ODDS_DIFFERENCE = "equalized_odds_difference"
    EQUALIZED_ODDS_RATIO = "equalized_odds_ratio"
    FALSE_POSITIVE_RATE_DIFFERENCE = "false_positive_rate_difference"
    FALSE_POSITIVE_RATE_RATIO = "false_positive_rate_ratio"
    FALSE_NEGATIVE_RATE_DIFFERENCE = "false_negative_rate_difference"
    FALSE_NEGATIVE_RATE_RATIO = "false_negative_rate_ratio"
    PREDICTIVE_PARITY_DIFFERENCE = "predictive_parity_difference"
    ACCURACY_DIFFERENCE = "accuracy_difference"


class Comparison(StrEnum):
    """IMPACT: each group over one reference. DIFFERENCE: max - min. RATIO: min / max."""

    IMPACT = "impact"
    DIFFERENCE = "difference"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Definition:
    """The rates a metric reads (two for equalized odds) and how groups are compared."""

    rates: tuple[RateName, ...]
    comparison: Comparison


DEFINITIONS = {
    Metric.IMPACT_RATIO: Definition((RateName.FAVOURABLE,), Comparison.IMPACT),
    Metric.DEMOGRAPHIC_PARITY_DIFFERENCE: Definition((RateName.SELECTION,), Comparison.DIFFERENCE),
    Metric.DEMOGRAPHIC_PARITY_RATIO: Definition((RateName.SELECTION,), Comparison.RATIO),
    Metric.EQUAL_OPPORTUNITY_DIFFERENCE: Definition(
        (RateName.TRUE_POSITIVE,), Comparison.DIFFERENCE
    ),
    Metric.EQUAL_OPPORTUNITY_RATIO: Definition((RateName.TRUE_POSITIVE,), Comparison.RATIO),
    Metric.EQUALIZED_ODDS_DIFFERENCE: Definition(
        (RateName.TRUE_POSITIVE, RateName.FALSE_POSITIVE), Comparison.DIFFERENCE
    ),
    Metric.EQUALIZED_ODDS_RATIO: Definition(
        (RateName.TRUE_POSITIVE, RateName.FALSE_POSITIVE), Comparison.RATIO
    ),
    Metric.FALSE_POSITIVE_RATE_DIFFERENCE: Definition(
        (RateName.FALSE_POSITIVE,), Comparison.DIFFERENCE
    ),
    Metric.FALSE_POSITIVE_RATE_RATIO: Definition((RateName.FALSE_POSITIVE,), Comparison.RATIO),
    Metric.FALSE_NEGATIVE_RATE_DIFFERENCE: Definition(
        (RateName.FALSE_NEGATIVE,), Comparison.DIFFERENCE
    ),
    Metric.FALSE_NEGATIVE_RATE_RATIO: Definition((RateName.FALSE_NEGATIVE,), Comparison.RATIO),
    Metric.PREDICTIVE_PARITY_DIFFERENCE: Definition((RateName.PRECISION,), Comparison.DIFFERENCE),
    Metric.ACCURACY_DIFFERENCE: Definition((RateName.ACCURACY,), Comparison.DIFFERENCE),
}
