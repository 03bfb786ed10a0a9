"""What becomes of a promotion: its states and the legal steps between them, as data.

Read ``states``: ``STEPS`` is the whole machine, ``step`` reads it.
"""
