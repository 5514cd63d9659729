"""Trap scenarios: small months in which ordinary tooling bills a customer wrongly, and the judge of how TrueUp does.

Belongs here: reading scenario files, turning one scenario into files, profiles, mappings and a PSA seed, judging.
Does not belong here: any rule of reconciliation; a scenario goes through the same doors as a real month.
"""
