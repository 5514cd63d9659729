"""A month: which sources were expected, which may speak, what differs, and what the verdict is.

Belongs here: expected sources, the three verdicts, findings that follow from a month's inputs and differences.
Does not belong here: aggregation, mapping and comparison over sets (``dbt_project``).
"""
