"""Identities as types of their own, so that one id can never be passed for another.

Belongs here: NewTypes over text, one per kind of thing that has an id.
Does not belong here: names. A name is for people; no rule compares one.
"""

from typing import NewType

TenantId = NewType("TenantId", str)
SourceName = NewType("SourceName", str)
AccountId = NewType("AccountId", str)
ServiceId = NewType("ServiceId", str)
AgreementId = NewType("AgreementId", str)
AgreementLineId = NewType("AgreementLineId", str)
FileId = NewType("FileId", str)
DropId = NewType("DropId", str)
RevisionId = NewType("RevisionId", str)
ChangeId = NewType("ChangeId", str)
