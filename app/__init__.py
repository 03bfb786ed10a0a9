"""Muniment. Read ``docs/architecture.md`` first, then ``core``, then ``main``."""
