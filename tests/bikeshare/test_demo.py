"""The demo's data: made through the services, and only once."""

from __future__ import annotations

import pytest
from django.conf import settings

from bikeshare import demo
from bikeshare.choices import RUNNING, TripStatus
from bikeshare.models import Bike, FeedSource, Program, Trip
from tests.bikeshare.kit import NOW, topics

pytestmark = pytest.mark.django_db


def test_the_demo_shows_everything_and_is_loaded_once() -> None:
    demo.load(NOW)
    assert Program.objects.filter(publish_gbfs=True).count() == len(demo.CITIES)
    assert [feed.url for feed in FeedSource.objects.all()] == [f"{settings.PUBLIC_URL}/gbfs/nemo/gbfs.json"]
    assert Trip.objects.filter(status__in=RUNNING).count() > 5
    assert Trip.objects.filter(status=TripStatus.COMPLETED, amount__isnull=False).count() > 10
    seen = set(topics())
    assert {"vehicule.battery.low", "vehicule.position.forbidden", "boitier.pin.incorrect", "trip.marked"} <= seen
    assert {"abonnement.trial_will_end", "boitier.pass.unrecognized", "trip.terminated"} <= seen
    before = Bike.objects.count()
    demo.load(NOW)
    assert Bike.objects.count() == before
