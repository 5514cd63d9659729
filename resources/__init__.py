"""The world: plain clients for disks, databases, warehouses and PSAs.

Belongs here: everything that reads or writes outside the process, in our words.
Does not belong here: deciding anything; Dagster outside ``wiring``.
"""
