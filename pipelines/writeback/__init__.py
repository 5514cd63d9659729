"""Changing somebody's bill exactly once: from an approval to one verified write.

Belongs here: the protocol, the judgements inside it, its ports.
Does not belong here: deciding (``pipelines.review``), vendors, databases.
"""
