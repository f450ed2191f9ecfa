"""What fleet remotes show on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _

from fleet_remotes import selectors
from fleet_remotes.choices import FAILURES, OPEN, SUCCESS, State
from fleet_remotes.models import Callback, Fleet
from fleet_remotes.services import approvals


def action_tile(request: HttpRequest) -> dict[str, Any]:
    """The open actions, and the outcomes of the last 24 hours; what is stopped or silent."""
    counts = selectors.outcome_counts(timezone.now())

    def number(*states: State) -> int:
        return sum(counts.get(state, 0) for state in states)

    return {
        "to_approve": approvals.count_for(request.user, timezone.now()),
        "counts": [
            (_("open"), "state:open", "info", number(*OPEN)),
            (_("succeeded"), "state:success since:<24h", "success", number(*SUCCESS)),
            (_("failed"), "state:failed,rejected,refused since:<24h", "danger", number(*FAILURES)),
            (_("unconfirmed"), "state:unconfirmed since:<24h", "violet", number(State.UNCONFIRMED)),
        ],
        "stopped": Fleet.objects.filter(stopped_at__isnull=False),
        "silent": Callback.objects.filter(silent_since__isnull=False),
    }
