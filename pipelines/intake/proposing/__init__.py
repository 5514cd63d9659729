"""From a sample usage file to a proposed import profile: what its bytes prove, and what a person must still choose.

Belongs here: evidence for each key of a profile, its reason, its alternatives.
Does not belong here: reading under a finished profile (``pipelines.intake``), writing files (``trueup.cli``).
"""
