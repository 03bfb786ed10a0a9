"""Where things come from and where they go: a graph made from the log, and its questions.

Read ``relations`` for what an edge says and when it holds, ``delta`` for what each event adds,
``beliefs`` for how later entries correct earlier ones, and ``closure`` for the answers. They
are computed here and only here, over plain edges, whichever store the edges come from.
"""
