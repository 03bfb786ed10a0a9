"""Gates: policies go into force here, and promotions are decided.

Read ``policy_files`` first (YAML in, a checked document out); what is decided, and how, is
``app.core.policy``.
"""
