"""What bike-share shows on the dashboard."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils import timezone

from bikeshare import selectors


def fleet_tile(request: HttpRequest) -> dict[str, Any]:
    return selectors.overview(timezone.now())
