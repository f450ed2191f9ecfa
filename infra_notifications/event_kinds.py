"""The kinds of event that charging infrastructure publishes."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from infra_notifications.choices import CASES, Case, SourceTrouble
from outbox.choices import Severity
from outbox.event_kinds import EventKind

DOMAIN = "charging"


class ChargePointFacts(msgspec.Struct, kw_only=True):
    """A charge point as its receivers need it."""

    id: int
    evse_id: str
    station: str = ""
    connector: int | None = None
    name: str = ""
    location: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    country: str = ""
    operator: str = ""
    vendor: str = ""
    model: str = ""
    latitude: float | None = None
    longitude: float | None = None
    tags: list[str] = []


class IncidentFacts(msgspec.Struct, kw_only=True):
    """An incident at a charge point. Times are RFC 3339."""

    id: int
    case: str
    opened_at: datetime
    closed_at: datetime | None = None
    last_seen: datetime | None = None
    said: str = ""
    repeats: int = 0
    close_reason: str = ""
    acknowledged_by: str = ""


class ChargePointIncident(msgspec.Struct, kw_only=True):
    """Payload of `charge_point.*`: one incident at one charge point."""

    charge_point: ChargePointFacts
    incident: IncidentFacts
    url: str = ""


class MailSubject(msgspec.Struct, kw_only=True):
    """What a thread of mails is about; all of its mails have the same subject, in the words of their language.

    `case`, `evse_id` and `place` are of the first of its errors.
    """

    group: str
    errors: int
    points: int
    case: str = ""
    evse_id: str = ""
    place: str = ""


class ToGroup(msgspec.Struct, kw_only=True):
    """What every mail of a group says: whose it is, the zone of its times, where an answer goes."""

    group_id: int
    group: str
    time_zone: str = ""
    reply_to: str = ""
    url: str = ""


class GroupMail(ToGroup, kw_only=True):
    """Payload of a group's mails: what opened or ended, at most `len(items)` of `total` errors at `points` listed."""

    items: list[ChargePointIncident]
    total: int
    points: int
    # How many of them were over when the mail was written.
    over: int = 0
    about: MailSubject


class FlappingItem(msgspec.Struct, kw_only=True):
    """A charge point that opened a case `openings` times within 24 h; `opened_at` is the last time."""

    charge_point: ChargePointFacts
    case: str
    openings: int
    opened_at: datetime
    is_open: bool
    said: str = ""
    url: str = ""
    incident_id: int


class GroupFlapping(ToGroup, kw_only=True):
    """Payload of a group's flapping mail: at most `len(items)` of `total` cases at `points` listed."""

    items: list[FlappingItem]
    total: int
    points: int


class DigestItem(msgspec.Struct, kw_only=True):
    """What became of one case at one charge point since the last digest; `openings` may be 0 when it is still open."""

    charge_point: ChargePointFacts
    case: str
    openings: int
    opened_at: datetime
    closed_at: datetime | None = None
    acknowledged_by: str = ""
    said: str = ""
    url: str = ""
    incident_id: int


class GroupDigest(ToGroup, kw_only=True):
    """Payload of a group's daily digest: how many incidents opened and ended since the last one, how many are open."""

    opened: int
    over: int
    open: int
    items: list[DigestItem]
    total: int


class GroupTest(ToGroup, kw_only=True):
    """Payload of a test mail."""

    charge_points: int
    cases: list[str]
    sent_by: str = ""


class SourceAlert(msgspec.Struct, kw_only=True):
    """Payload of `source.*`: a sender that is silent, whose items are all rejected, or that is well again.

    `stations` and `charge_points` say how many it fed last, `sentences` why its last items were rejected.
    """

    id: int
    kind: str
    name: str
    trouble: str
    since: datetime
    last_heard_at: datetime
    stations: int = 0
    charge_points: int = 0
    usual_gap_s: float | None = None
    sentences: list[str] = []
    # It is over because its key was revoked or has expired.
    is_revoked: bool = False
    url: str = ""


CASE_KINDS = {case: f"charge_point.{case.lower()}" for case in Case}
RECOVERED = "charge_point.recovered"
GROUP_ALERT = "notification_group.alert"
GROUP_RECOVERY = "notification_group.recovery"
GROUP_STILL_BROKEN = "notification_group.still_broken"
GROUP_ALREADY_OPEN = "notification_group.already_open"
GROUP_FLAPPING = "notification_group.flapping"
GROUP_REMINDER = "notification_group.reminder"
GROUP_DIGEST = "notification_group.digest"
GROUP_TEST = "notification_group.test"
# Mails that tell of what is open: each receiver may acknowledge it by a link, and they are sent as of the moment at
# which they are sent.
_OPENINGS = (GROUP_ALERT, GROUP_ALREADY_OPEN, GROUP_STILL_BROKEN, GROUP_REMINDER, GROUP_DIGEST)
_CURRENT = (*_OPENINGS, GROUP_FLAPPING)
_ACKNOWLEDGE = "infra_notifications.services.mail_links.acknowledge_url"
_REFRESH = "infra_notifications.services.current_mails.current_mails"
_REFRESH_SOURCES = "infra_notifications.services.current_mails.current_sources"
SOURCE_KINDS = {SourceTrouble.SILENT: "source.silent", SourceTrouble.REJECTED: "source.rejected"}
SOURCE_KINDS[SourceTrouble.CLOSED] = "source.disconnected"
SOURCE_RECOVERED = "source.recovered"

_POINT = ChargePointFacts(
    id=7,
    evse_id="DE*ABC*E0001*1",
    station="CP-0001",
    connector=1,
    name="Deck 2, left",
    location="Parkhaus Süd",
    street="Bahnhofstr. 1",
    postal_code="50667",
    city="Köln",
    country="DEU",
    operator="ABC Charging",
    vendor="ABB",
    model="Terra 54",
    latitude=50.9375,
    longitude=6.9603,
    tags=["garage"],
)
_AT = datetime(2026, 11, 21, 5, 40, tzinfo=UTC)


def _example(case: Case, said: str, closed_at: datetime | None = None) -> ChargePointIncident:
    incident = IncidentFacts(id=41, case=case, opened_at=_AT, closed_at=closed_at, last_seen=_AT, said=said)
    return ChargePointIncident(charge_point=_POINT, incident=incident, url="https://signalbox.example/…")


_FUSE = _example(Case.FUSE_TRIPPED, CASES[Case.FUSE_TRIPPED].example)
_OVER = _example(Case.FUSE_TRIPPED, CASES[Case.FUSE_TRIPPED].example, _AT.replace(hour=6))

_FLAPPING = FlappingItem(
    charge_point=_POINT,
    case=Case.UNAVAILABLE,
    openings=9,
    opened_at=_AT,
    is_open=True,
    said="No message for 15 min",
    url="https://signalbox.example/…",
    incident_id=41,
)
_DIGEST = DigestItem(
    charge_point=_POINT,
    case=Case.FUSE_TRIPPED,
    openings=1,
    opened_at=_AT,
    said="Faulted · OverCurrentFailure",
    url="https://signalbox.example/…",
    incident_id=41,
)


def _charge_point_kind(
    key: str, label: Promise, description: Promise, example: ChargePointIncident, severity: Severity = Severity.INFO
) -> EventKind:
    return EventKind(key, label, description, DOMAIN, ChargePointIncident, example, severity)


def _group_kind(
    key: str, label: Promise, description: Promise, example: msgspec.Struct, severity: Severity = Severity.INFO
) -> EventKind:
    """A mail of a group, with the template of the same name; no webhook hears of it."""
    mail = f"infra_notifications/mail/{key.partition('.')[2]}"
    return EventKind(
        key,
        label,
        description,
        DOMAIN,
        type(example),
        example,
        severity,
        mail,
        is_public=False,
        personal_link=_ACKNOWLEDGE if key in _OPENINGS else "",
        refresh=_REFRESH if key in _CURRENT else "",
    )


def _group_mail(incident: ChargePointIncident) -> GroupMail:
    point = incident.charge_point
    about = MailSubject(
        group="Köln Süd",
        errors=1,
        points=1,
        case=incident.incident.case,
        evse_id=point.evse_id,
        place=point.location,
    )
    return GroupMail(group_id=12, group="Köln Süd", items=[incident], total=1, points=1, about=about)


def _source_kind(
    key: str, label: Promise, description: Promise, trouble: SourceTrouble, sentences: list[str], severity: Severity
) -> EventKind:
    example = SourceAlert(
        id=7,
        kind="key",
        name="CSMS Köln",
        trouble=trouble.value,
        since=_AT,
        last_heard_at=_AT,
        stations=8,
        charge_points=16,
        usual_gap_s=20.5,
        sentences=sentences,
        url="https://signalbox.example/…",
    )
    mail, refresh = "infra_notifications/mail/source", _REFRESH_SOURCES if trouble else ""
    return EventKind(key, label, description, DOMAIN, SourceAlert, example, severity, mail=mail, refresh=refresh)


KINDS = (
    *(
        _charge_point_kind(
            CASE_KINDS[case],
            traits.event_label,
            traits.event_description,
            _example(case, traits.example),
            traits.severity,
        )
        for case, traits in CASES.items()
    ),
    _charge_point_kind(RECOVERED, _("Charge point recovered"), _("An incident at a charge point is over."), _OVER),
    _group_kind(
        GROUP_ALERT,
        _("Alert mail of a group"),
        _("What opened at the charge points of a notification group."),
        _group_mail(_FUSE),
        Severity.CRITICAL,
    ),
    _group_kind(
        GROUP_RECOVERY,
        _("All-clear mail of a group"),
        _("What is over at the charge points of a notification group."),
        _group_mail(_OVER),
    ),
    _group_kind(
        GROUP_STILL_BROKEN,
        _("Mail of a group at the end of a maintenance"),
        _("What is still broken at the charge points of a notification group when their maintenance is over."),
        _group_mail(_FUSE),
        Severity.CRITICAL,
    ),
    _group_kind(
        GROUP_ALREADY_OPEN,
        _("Mail to a group about what is open already"),
        _("What is open at the charge points of a notification group when a charge point, address or case is added."),
        _group_mail(_FUSE),
        Severity.WARNING,
    ),
    _group_kind(
        GROUP_FLAPPING,
        _("Flapping mail of a group"),
        _("Charge points of a notification group that open the same case again and again."),
        GroupFlapping(group_id=12, group="Köln Süd", items=[_FLAPPING], total=1, points=1),
        Severity.WARNING,
    ),
    _group_kind(
        GROUP_REMINDER,
        _("Reminder of a group"),
        _("What is still open at the charge points of a notification group, and nobody acknowledged."),
        _group_mail(_FUSE),
        Severity.WARNING,
    ),
    _group_kind(
        GROUP_DIGEST,
        _("Daily digest of a group"),
        _("What happened at the charge points of a notification group since the last digest, and what is still open."),
        GroupDigest(group_id=12, group="Köln Süd", opened=1, over=0, open=1, items=[_DIGEST], total=1),
        Severity.WARNING,
    ),
    _group_kind(
        GROUP_TEST,
        _("Test mail of a group"),
        _("Shows that the mails of a notification group arrive."),
        GroupTest(group_id=12, group="Köln Süd", charge_points=40, cases=list(Case.values), sent_by="anna"),
    ),
    _source_kind(
        SOURCE_KINDS[SourceTrouble.SILENT],
        _("Source silent"),
        _("A sender that feeds several stations has sent nothing for longer than its usual pace explains."),
        SourceTrouble.SILENT,
        [],
        Severity.CRITICAL,
    ),
    _source_kind(
        SOURCE_KINDS[SourceTrouble.REJECTED],
        _("Source rejected"),
        _("Everything that a sender sends is rejected."),
        SourceTrouble.REJECTED,
        ["`action`: required, but missing"],
        Severity.CRITICAL,
    ),
    _source_kind(
        SOURCE_KINDS[SourceTrouble.CLOSED],
        _("Stations disconnected"),
        _("Many stations of a sender lost their connection within seconds, so that one cause is likely."),
        SourceTrouble.CLOSED,
        [],
        Severity.CRITICAL,
    ),
    _source_kind(
        SOURCE_RECOVERED,
        _("Source recovered"),
        _("A sender that was in trouble sends again, is accepted again, or its key was revoked."),
        SourceTrouble.NONE,
        [],
        Severity.INFO,
    ),
)
