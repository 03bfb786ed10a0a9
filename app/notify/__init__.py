"""Notices: what people and other systems are told of, by one webhook and by mail.

Read ``outbox`` (what is to be told, written with the entry that causes it), ``targets`` (where
nothing of this organisation's inside can be reached), ``courier`` (who sends, and again).
"""
