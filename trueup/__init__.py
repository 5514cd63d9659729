"""The front doors: Dagster definitions, the command line, the sandbox world.

Belongs here: composition.
Does not belong here: rules.
"""
