"""The second person's yes to dangerous commands: who is asked, and that they are told at once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from fleet_remotes import event_kinds as kinds
from fleet_remotes.catalogue.advice import summary_of
from fleet_remotes.choices import State
from fleet_remotes.event_kinds import ApprovalAsked
from fleet_remotes.models import RemoteAction
from fleet_remotes.services.outcomes import action_url, vehicle_facts
from outbox.contract import NewEvent, Recipient
from outbox.services import publish

DANGEROUS = "fleet_remotes.send_dangerous_command"
# So many vehicles are named in what is told; the page shows all.
NAMED = 20


def waiting_for(username: str, now: datetime) -> QuerySet[RemoteAction]:
    """What waits for the yes of this person: what somebody else ordered."""
    rows = RemoteAction.objects.filter(state=State.DRAFT, confirm_digest="", expires_at__gt=now)
    return rows.exclude(requested_by=username)


def count_for(user: User | AnonymousUser, now: datetime) -> int:
    """How many commands wait for this person's yes; none for who may not give it."""
    return waiting_for(user.get_username(), now).count() if user.has_perm(DANGEROUS) else 0


def approvers(but: str) -> list[str]:
    """The addresses of those who may approve, but for whoever ordered it."""
    users = User.objects.with_perm(DANGEROUS, backend="django.contrib.auth.backends.ModelBackend")
    return sorted(set(users.exclude(username=but).exclude(email="").values_list("email", flat=True)))


def ask_approval(actions: Sequence[RemoteAction], now: datetime) -> None:
    """Tells those who may approve, in the transaction in which one command to one or several vehicles began to wait."""
    if not actions:
        return
    first = actions[0]
    with override("en"):
        waits = _("To be approved")
        summary = summary_of(first.kind, first.parameters)
        asked = first.vehicle.full_title if len(actions) == 1 else f"×{len(actions)}"
        payload = ApprovalAsked(
            headline=f"{summary}: {waits} ({asked})",
            summary=summary,
            reason=first.reason,
            requested_by=first.requested_by,
            until=first.expires_at,
            count=len(actions),
            vehicles=[vehicle_facts(action.vehicle, action.vehicle.fleet.key) for action in actions[:NAMED]],
            batch=first.batch_id,
            url=action_url(first.pk) if len(actions) == 1 else _list_url(first.batch_id),
        )
    subject = f"fleet_vehicle:{first.vehicle.vin}" if len(actions) == 1 else f"command_batch:{first.batch_id}"
    to = tuple(Recipient(address) for address in approvers(first.requested_by))
    publish(events=[NewEvent(kinds.APPROVAL, subject, payload, f"{kinds.APPROVAL}:{first.pk}", now, to)], now=now)


def _list_url(batch_id: int | None) -> str:
    return f"{settings.PUBLIC_URL}{reverse('fleet_remotes:actions')}?q=batch:{batch_id}%20state:approval"
