"""Counts to rates to disparities to intervals to a verdict, in closed forms.

Read in this order: ``cells`` (what is counted: ``Tally``, ``Cell``, ``Table``), ``rates``
(exact fractions), ``intervals`` (Wilson, Newcombe, Miettinen–Nurminen), ``verdict``
(``Op``, ``Verdict``), ``disparities`` (``Metric``, spread and quotient over groups),
``assessment`` (``BiasQuestion`` in, ``BiasAssessment`` out: ``assess(tally, question)``).
``marginals`` finds published tables that contradict each other, ``significance`` holds the
optional lines for readers of the Uniform Guidelines. Nothing here samples: the same counts
and the same question give the same answer to the last place.
"""
