"""``muniment demo``: a real credit model refused, mended, signed for, deployed, traced, proven.

Everything happens as a user would do it: by the ``muniment`` command in processes of its own,
and over HTTP; nothing here reaches inside. Read ``story`` first (which acts there are), then
``founding``, ``judging`` and ``proving``; ``credit`` is the data scientists' part.
"""
