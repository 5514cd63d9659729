"""ConnectWise, for writing: one addition looked at, one quantity set.

Belongs here: the request that sets a quantity, what keeps an addition from being written, what an answer means.
Does not belong here: the order of steps (``pipelines.writeback``), reading everything (``connectwise``).
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal

from pipelines.agreements.records import Account, Agreement, AgreementLine
from pipelines.quantities import text
from pipelines.review.binding import PsaIdentity
from pipelines.review.changes import Change
from pipelines.writeback.ports import Answer, Heard, HoldsFrom, LineSeen, VendorRequest, WriteModel, WriteTraits
from resources.psa.connectwise import API, ConnectWise
from resources.psa.connectwise_records import account_from, agreement_from, line_from
from resources.psa.errors import Forbidden, Gone, PsaError, Refused
from resources.psa.fields import Record
from resources.psa.writing import Recent, answer_of, obstacle

TRAITS = WriteTraits(
    model=WriteModel.ABSOLUTE,
    holds_from=HoldsFrom.AT_ONCE,
    is_integer_only=False,
    # No figure is published of how long a request goes on in the server; the client's timeout decides.
    longest_run=timedelta(0),
)


class ConnectWiseBilling:
    """One ConnectWise tenant as write-back sees it. Its quantities are absolute: setting one twice is setting it once.

    ``clock`` counts seconds for the age of agreements and accounts that were read.
    """

    def __init__(self, psa: ConnectWise, identity: PsaIdentity, clock: Callable[[], float] = time.monotonic) -> None:
        self._psa = psa
        self._agreements: Recent[Agreement] = Recent(clock)
        self._accounts: Recent[Account] = Recent(clock)
        self.identity = identity

    def check_connection(self) -> None:
        """Raises ``Forbidden`` when the credentials are not taken, ``PsaError`` for all else."""
        self._psa.check_connection()

    def see_line(self, change: Change, today: date) -> LineSeen:
        """The addition of a change as it stands, with what keeps it from being written.

        Wrong credentials often look like "not found" here, so a line that is gone is believed only after the
        credentials were seen to work. Raises ``PsaError`` when nothing can be said about the line.
        """
        try:
            agreement = self._agreement(str(change.agreement_id), today)
            account = self._account(change.account_id)
            addition = self._psa.read_record(_path(change))
        except Gone as gone:
            self.check_connection()
            return LineSeen(None, None, None, None, f"it is not in the PSA any more: {gone}")
        try:
            line = line_from(addition, agreement)
        except Refused as refused:
            # Only the line itself is meant: a refused request says nothing about the line.
            return LineSeen(None, None, None, None, str(refused))
        hindrance = obstacle(change, line, agreement, account, today) or _disagreement(addition, line)
        return LineSeen(line.quantity, str(line.service_id), line.unit_price, line.unit_cost, hindrance)

    def request_for(self, change: Change, _: LineSeen) -> VendorRequest:
        """The patch that sets the quantity, and nothing else, to the exact decimal that was approved."""
        return quantity_patch(change)

    def send(self, request: VendorRequest) -> Answer:
        """Send a request once. What came of it is a value, never an error."""
        try:
            self._psa.write_once(request.method, request.path, request.body.encode())
        except PsaError as error:
            return self._answer(error)
        return Answer(Heard.ACCEPTED, "accepted")

    def _answer(self, error: PsaError) -> Answer:
        if isinstance(error, Gone):
            try:
                self.check_connection()
            except Forbidden as forbidden:
                return Answer(Heard.FORBIDDEN, str(forbidden))
            except PsaError:
                return Answer(Heard.UNKNOWN, str(error))
        return answer_of(error)

    def _agreement(self, number: str, today: date) -> Agreement:
        path = f"/finance/agreements/{number}"
        return self._agreements.get(path, lambda: agreement_from(self._psa.read_record(path), today))

    def _account(self, number: str) -> Account:
        path = f"/company/companies/{number}"
        return self._accounts.get(path, lambda: account_from(self._psa.read_record(path)))


def quantity_patch(change: Change) -> VendorRequest:
    """The patch of a change. The path of an operation bears no slash in front: the vendor's own way."""
    value = text(change.quantity_after)
    return VendorRequest("PATCH", f"{API}{_path(change)}", f'[{{"op":"replace","path":"quantity","value":{value}}}]')


def _path(change: Change) -> str:
    return f"/finance/agreements/{change.agreement_id}/additions/{change.line_id}"


def _disagreement(addition: Record, line: AgreementLine) -> str | None:
    """Billed is what is left after the allowance; a PSA that counts otherwise is not understood, so not written to."""
    billed = addition.get("billedQuantity")
    is_number = isinstance(billed, int | Decimal) and not isinstance(billed, bool)
    due = max(line.quantity - line.psa_included, Decimal(0))
    if billed is None or (is_number and billed == due):
        return None
    shown = text(Decimal(billed)) if is_number else f"{billed!r:.60}"
    return (
        f"line {line.id} holds {text(line.quantity)} with {text(line.psa_included)} included, and the PSA says that "
        f"{shown} are billed: TrueUp does not understand this line and leaves it alone"
    )
