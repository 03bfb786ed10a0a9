"""What exists now: datasets, models, versions, evidence, deployments, policies, promotions.

All of it is a projection of the log, written in the append transaction. Read ``projection``
for what each event changes, ``admission`` for what a client may say next, ``values`` and
``queries`` for what the other rooms read.
"""
