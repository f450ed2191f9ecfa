"""What is kept of a person, for machines that answer such requests."""

from __future__ import annotations

from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from pydantic import Field

from core.api import ConfigurationIn, Problem, audited_by, key_of
from core.email_addresses import clean_address
from core.people import PEOPLE_SCOPE
from core.reporting import audit_report, report_on
from outbox.api.base import WRITE, router


class ReportIn(ConfigurationIn):
    """On whom, and why: the reason is kept in the audit log, the address is not."""

    address: str = Field(examples=["anna@example.org"])
    reason: str = Field(min_length=1, max_length=300)


@router.post("/outbox/reports", auth=WRITE, summary="What is kept of whom an address belongs to (GDPR, article 15)")
def report_on_person(request: HttpRequest, body: ReportIn) -> StreamingHttpResponse:
    """`people` are those whose address it is, with all that belongs to them; `named_in` is what else names it. The key
    needs the scope `personal:read`, too."""
    key = key_of(request)
    if PEOPLE_SCOPE not in key.scopes:
        raise Problem(403, f"For a report on a person this key lacks the scope {PEOPLE_SCOPE}.")
    address = clean_address(body.address)
    with audited_by(key):
        audit_report(by=key, reason=body.reason)
    return StreamingHttpResponse(report_on(address=address, now=timezone.now()), content_type="application/json")
