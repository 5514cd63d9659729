"""Which PSA account and which service a source's key means: decisions of people, dated and kept for ever.

Belongs here: the entries, their file format, how keys compare, which entry is live.
Does not belong here: joining usage with them (``dbt_project``).
"""
