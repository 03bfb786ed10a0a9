"""People, their roles, tokens, sessions and signatures: who somebody is and what they may do.

Read ``principal`` (what a recognised caller is), ``authentication`` (how one is recognised),
``accounts`` and ``roles`` (how people come and get rights), ``signing`` (how a person signs).
Every change is an event; passwords, secrets and sessions are operational state.
"""
