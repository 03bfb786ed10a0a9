"""Reviews: a person sees what would be promoted, decides, and signs exactly that.

Read ``view`` (what is shown, as bytes with a digest), ``submit`` (who may sign, what, and
under which heads), ``projection`` (what the log says of reviews).
"""
