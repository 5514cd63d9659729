"""What the PSA bills: accounts, services, agreements and their lines, copied whole or not at all.

Belongs here: the shapes of a PSA copy and the rule that a partial copy is no copy.
Does not belong here: any vendor's field name (``resources.psa``).
"""
