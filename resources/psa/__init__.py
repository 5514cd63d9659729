"""PSA systems: one adapter per vendor, translating words and errors at the door.

Belongs here: HTTP, paging, rate limits, a vendor's field names.
Does not belong here: which change may be written.
"""
