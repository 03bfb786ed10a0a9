"""Measurements, printed as ratios against a yardstick in the same run; no test, no verdict.

``make bench`` runs ``python -m tests.bench``. Figures of one machine say little by
themselves; a ratio says what the work around a yardstick costs.
"""
