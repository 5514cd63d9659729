"""What exists, as Dagster assets: one file per stage.

Belongs here: opening resources, calling one function, returning metadata.
Does not belong here: loops, rules, SQL.
"""
