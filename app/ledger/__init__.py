"""The write path: what is said becomes an entry, durable, provable, and projected.

Read ``record`` (what a caller asks), ``sequencer`` (how requests become one commit),
``plan`` (how a batch becomes bytes), ``sql_store`` (what lies on disk), ``publisher``
(what gets signed).
"""
