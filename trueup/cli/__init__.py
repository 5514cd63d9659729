"""The command line for operators.

Belongs here: arguments, words, exit codes.
Does not belong here: rules; Dagster outside the commands that run it.
"""
