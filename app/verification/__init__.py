"""Evidence for strangers, and the checks they make.

``bundles`` writes evidence bundles, ``offline`` verifies one, or a served log, with nothing but
a trusted key, ``fsck`` looks at every byte of a data folder.
"""
