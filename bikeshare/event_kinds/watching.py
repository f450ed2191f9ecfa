"""Topics of our own beside the customer's: what operators of such fleets also watch. All begin with `x.`."""

from __future__ import annotations

from datetime import timedelta

from django.utils.translation import gettext_lazy as _
from msgspec.structs import replace

from bikeshare.event_kinds import examples as ex
from bikeshare.event_kinds.payloads import (
    ConnectionLost,
    ConnectionRestored,
    MovedWithoutTrip,
    NotRidden,
    NotSeen,
    StationFill,
    UnlockedWithoutTrip,
)
from bikeshare.event_kinds.topics import WHERE, Topic
from outbox.choices import Severity

_AGO = ex.AT - timedelta(days=3)
_BIKE = replace(ex.VEHICULE, last_seen=_AGO)

# Laid out by hand as a table, a topic on few lines: it is read by its rows.
OWN: tuple[Topic, ...] = (
    Topic(
        "x.vehicule.connection.lost", _("Connection lost"),
        _("Occurs whenever a vehicule in use has said nothing for a while although others of its program do."),
        _(
            "Its box was silent for the program’s `connection_lost_min` minutes while another box of the"
            " program was heard; once until it speaks again."
        ),
        ConnectionLost(**WHERE, object=_BIKE, last_seen=_AGO), Severity.WARNING,
    ),
    Topic(
        "x.vehicule.connection.restored", _("Connection restored"),
        _("Occurs whenever a vehicule whose connection was lost speaks again."),
        _("The first message of a box on a vehicle of which `x.vehicule.connection.lost` was told."),
        ConnectionRestored(**WHERE, object=ex.VEHICULE, lost_at=_AGO, reported_at=ex.AT),
    ),
    Topic(
        "x.vehicule.moved", _("Moved without a trip"),
        _("Occurs whenever a vehicule on no trip is somewhere else."),
        _(
            "A position without a trip is farther than the program’s `moved_m` metres and its own accuracy"
            " from where the vehicle rested; once until it rested for 30 minutes. Vehicles that staff handle"
            " (service, maintenance, stock) may move."
        ),
        MovedWithoutTrip(
            **WHERE, object=ex.VEHICULE, rested=ex.HERE, position=replace(ex.HERE, latitude=48.861), distance=840,
            accuracy=8.0, reported_at=ex.AT,
        ),
        Severity.WARNING,
    ),
    Topic(
        "x.vehicule.unlocked", _("Unlocked without a trip"),
        _("Occurs whenever the lock of a vehicule on no trip is opened."),
        _(
            "As boitier.unlocked, for a vehicle that no trip and no staff (service, maintenance, stock) has;"
            " where the program’s `watch_unlocking` is on (at first it is off)."
        ),
        UnlockedWithoutTrip(**WHERE, object=ex.VEHICULE, reported_at=ex.AT), Severity.WARNING,
    ),
    Topic(
        "x.vehicule.unseen", _("Not seen for days"),
        _("Occurs whenever a vehicule in use has not been seen for days."),
        _("Its box was silent for the program’s `unseen_days` days; once until it speaks again."),
        NotSeen(**WHERE, object=_BIKE, last_seen=_AGO, days=3), Severity.WARNING,
    ),
    Topic(
        "x.vehicule.unridden", _("Not ridden for days"),
        _("Occurs whenever a ready vehicule has not been ridden for days."),
        _(
            "It is ready, and its last trip began or ended `unridden_days` days ago, or it was made then; once"
            " until it is ridden."
        ),
        NotRidden(**WHERE, object=ex.VEHICULE, last_ridden=ex.MADE, days=14),
    ),
    Topic(
        "x.station.empty", _("Station empty"),
        _("Occurs whenever the last vehicule has left a station."),
        _(
            "A station that is open has no vehicle any more, by us or by the feed that it came from; looked"
            " for every minute where the program’s `watch_stations` is on."
        ),
        StationFill(**WHERE, object=ex.STATION, vehicules=0, free_docks=8), Severity.WARNING,
    ),
    Topic(
        "x.station.full", _("Station full"),
        _("Occurs whenever the last place of a station was taken."),
        _(
            "A station that is open has no free dock any more or, without docks, as many vehicles as its"
            " capacity; looked for as x.station.empty."
        ),
        StationFill(**WHERE, object=ex.STATION, vehicules=8, free_docks=0), Severity.WARNING,
    ),
)  # fmt: skip
