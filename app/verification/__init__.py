"""Evidence for strangers, and the checks they make.

``bundles`` writes evidence bundles, ``offline`` verifies one with nothing but a trusted key,
``live`` verifies a running server's log, ``fsck`` looks at every byte of a data folder.
"""
