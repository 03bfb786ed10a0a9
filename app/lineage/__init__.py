"""Where things come from and what they affect, asked of the log's graph.

A projection of the log, written in the append transaction; the answers themselves are
computed in ``app.core.lineage``. Read ``ports`` for what a store must give, ``asking`` for
the questions and how honestly they are answered, ``api`` for their form over HTTP.
"""
