"""Counts to rates to disparities to intervals to a verdict, in closed forms.

Read in this order: ``cells`` (what is counted: ``Tally``, ``Cell``, ``Table``), ``tally``
(checked from JSON or from counts), ``tables`` (``tables_of``), ``rates`` (exact fractions),
``intervals`` (Wilson, Newcombe, Miettinen-Nurminen), ``verdict`` (``Op``, ``Verdict``),
``disparities`` (``Metric``, spread and quotient over groups), ``question``
(``BiasQuestion``), ``assessment`` (``assess(tally, question) -> BiasAssessment``).
``marginals`` finds published tables that contradict each other, ``significance`` holds the
optional lines for readers of the Uniform Guidelines. Nothing here samples: the same counts
and the same question give the same answer to the last place.
"""
