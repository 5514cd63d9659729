"""Policies as data: a document of rules, and what it says about facts.

Belongs here: reading such a document, judging facts by it; both know nothing of what the facts are about.
Does not belong here: which facts a change has, and what follows from a verdict (``pipelines.review``).
"""
