"""Failing on purpose: at each named step of the write path, in a process and to one.

``steps`` names the steps and the ways to fail, ``rig`` is a log that fails as it is told,
``checking`` reads everything that is stored and believes nothing, ``clients`` ask and keep
what they were answered.
"""
