"""The demo's world: an invented MSP, its customers, two months of files from three sources, its PSA and its mappings.

Belongs here: data that we made up, and the formats the three sources write it in.
Does not belong here: starting anything; the demo command plays this world through the product's own doors.
"""
