"""Making reports: gather facts, compose them, set the pages in a confined process.

Read ``render`` first (the one way to a PDF), then ``typesetting`` and ``finishing`` (what the
confined process does), then ``gather`` and ``jobs``.
"""
