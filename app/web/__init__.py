"""The shell around every route: who calls, how a refusal is answered, headers, limits, lists.

Read ``errors`` (the one table from refusals to statuses) and ``callers`` first.
"""
