"""How a promotion is decided: policies and facts and a time go in, one decision comes out.

Begin with ``rules`` and ``document`` (what a policy can say), ``facts`` (everything a
decision may read) and ``decision`` (what comes out), then ``decide``, which is the whole
procedure. Each rule kind has its module (``metric``, ``bias``, ``lineage``, ``freshness``,
``documentation``, ``reviews``); ``evidence`` picks what counts, ``quorum`` and
``four_eyes`` count people, ``explain`` writes the sentences, ``lint`` and ``cases`` guard
publishing, ``replay`` recomputes an old decision.
"""
