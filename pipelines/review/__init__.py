"""What is proposed and what people decided about it.

Belongs here: changes, their revisions and how a new reconciliation meets the ones that stand.
Does not belong here: sending anything.
"""
