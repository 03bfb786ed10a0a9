"""The audit report as data: what is said, in which order, and on which evidence.

``compose`` turns facts read at one size of the log into an ``AuditReport``, the one
view-model from which the PDF, report.json and the screen take their words and numbers.
Read ``facts`` (what comes in), then ``document`` (what goes out), then ``compose``.
"""
