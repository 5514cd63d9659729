"""The steps of the schema, oldest first. A step that was released is never edited.

Belongs here: one module per step, forward only; a step first adds, a later one takes away what no version reads.
Does not belong here: imports from ``tables``; a step says by itself what it did when it was written.
"""
