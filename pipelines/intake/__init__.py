"""A distributor's file becomes usage rows.

Belongs here: import profiles, how a row is read or rejected, which file speaks for which month and whether it may.
Does not belong here: reading disks and buckets, running SQL (``resources``), arithmetic over sets (``dbt_project``).
"""
