"""The console at 1,000,000 charge points, 2,000 groups and 1,000,000 incidents: Magic Search and every page."""

from __future__ import annotations

import http.client
import random
import time
from collections.abc import Sequence
from urllib.parse import quote

from bench.figures import Figure, percentile
from bench.rig import Rig
from tests.live import Live

POINTS = 1_000_000
INCIDENTS = 1_000_000
GROUPS = 2_000
CITIES = (
    "Köln",
    "Bonn",
    "Düsseldorf",
    "Aachen",
    "Dortmund",
    "Essen",
    "Münster",
    "Paris",
    "Lyon",
    "Strasbourg",
    "Nantes",
    "Kraków",
    "Łódź",
    "Wien",
    "Zürich",
    "Hamburg",
    "Berlin",
    "Leipzig",
    "Dresden",
    "Utrecht",
)
PLACES = ("Parkhaus", "Bahnhof", "Rathaus", "Supermarkt", "Depot", "Stadion", "Hafen", "Messe", "Flughafen", "Klinikum")
VENDORS = ("Alfen", "ABB", "Kempower", "Alpitronic", "Mennekes", "Compleo", "EVBox", "Wallbe")


def _by(number: str, what: int, among: int) -> str:
    """SQL for a number below `among` that looks like chance and is the same for the same `number`, on every run."""
    return f"(hashint8extended({number}, {what}) & 1048575) % {among}"


def _one_of(values: Sequence[object], number: str, what: int) -> str:
    """SQL for one of these values, in the same way."""
    listed = ", ".join(f"'{value}'" if isinstance(value, str) else str(value) for value in values)
    return f"(ARRAY[{listed}])[1 + {_by(number, what, len(values))}]"


# Four stations with two charge points each stand at a location and share its address; the two share a make.
LOCATION, STATION = "n / 8", "n / 2"
STATUSES = (*("Available",) * 4, *("Charging",) * 3, "Preparing", "Finishing", "Faulted")
# One statement each.
FILL = (
    f"""INSERT INTO infra_notifications_chargepoint (evse_id, station, connector, name, location, street, postal_code,
    city, country, operator, vendor, model, firmware, connector_standard, power_type, max_power_kw, tags, created_at,
    updated_at) SELECT 'DE*BEN*E' || lpad((n / 2)::text, 6, '0') || '*' || n % 2 + 1, 'BEN-' || n / 2, n % 2 + 1,
    'Box ' || {_by("n", 1, 97)}, {_one_of(PLACES, LOCATION, 2)} || ' ' || {_by(LOCATION, 3, 900)},
    'Straße ' || {_by(LOCATION, 4, 500)}, (10000 + {_by(LOCATION, 5, 89999)})::text,
    {_one_of(CITIES, LOCATION, 6)}, 'DEU', 'Operator ' || {_by(LOCATION, 7, 40)},
    {_one_of(VENDORS, STATION, 8)}, 'Model ' || {_by(STATION, 9, 30)}, '5.' || {_by(STATION, 10, 60)},
    CASE WHEN dc THEN 'IEC_62196_T2_COMBO' ELSE 'IEC_62196_T2' END, CASE WHEN dc THEN 'DC' ELSE 'AC_3_PHASE' END,
    CASE WHEN dc THEN {_one_of((50, 150, 300), STATION, 12)} ELSE {_one_of((11, 22), STATION, 12)} END,
    ARRAY['tag' || {_by(STATION, 13, 50)}], now(), now()
    FROM generate_series(0::bigint, {POINTS} - 1) n, LATERAL (SELECT {_by(STATION, 11, 5)} = 0 AS dc) r""",
    f"""INSERT INTO infra_notifications_chargepointstate (charge_point_id, last_seen, silent_at, connectivity, status,
    status_at, ocpp_version, interval_source, memory) SELECT n, now() - {_by("n", 20, 100_000)} * interval '1 s', NULL,
    CASE WHEN {_by("n", 21, 50)} = 0 THEN 'silent' ELSE 'online' END,
    {_one_of(STATUSES, "n", 22)}, now(), 'ocpp1.6', 'default', ''
    FROM (SELECT id AS n FROM infra_notifications_chargepoint) p""",
    f"""INSERT INTO infra_notifications_notificationgroup (name, description, cases, hold_off_s, notify_recovery,
    language, time_zone, created_at, updated_at) SELECT 'Group ' || n, '',
    ARRAY['FUSE_TRIPPED','UNAVAILABLE','SENSORS'], '{{}}', true, 'en', '', now(), now()
    FROM generate_series(1, {GROUPS}) n""",
    """INSERT INTO infra_notifications_groupmembership (group_id, charge_point_id, added_at)
    SELECT (SELECT min(id) FROM infra_notifications_notificationgroup) + id % 2000, id, now()
    FROM infra_notifications_chargepoint WHERE id % 3 = 0""",
    f"""INSERT INTO infra_notifications_incident (charge_point_id, "case", opened_at, opened_received_at, closed_at,
    closed_received_at, close_reason, device_clock, faults, repeats, last_raised_at, said)
    SELECT 1 + h % (SELECT max(id) FROM infra_notifications_chargepoint),
    (ARRAY['FUSE_TRIPPED','UNAVAILABLE','SENSORS'])[1 + h % 3], at, at, at + interval '1 h', at + interval '1 h',
    'cleared', false, '{{}}', 0, at, 'Faulted · Code ' || h % 400
    FROM generate_series(1, {INCIDENTS}) n, LATERAL (SELECT abs(hashint4(n)::bigint) AS h) r,
    LATERAL (SELECT now() - n * interval '20 s' AS at) t""",
    """UPDATE infra_notifications_incident SET closed_at = NULL, closed_received_at = NULL, close_reason = ''
    WHERE id IN (SELECT DISTINCT ON (charge_point_id) id FROM infra_notifications_incident ORDER BY charge_point_id, id
    LIMIT 5000)""",
    "VACUUM ANALYZE",
)
SESSION = """
from django.contrib.auth.models import Group, User
from django.contrib.sessions.backends.db import SessionStore
user = User.objects.create_user("bench", password=None)
user.groups.set(Group.objects.filter(name="administrator"))
session = SessionStore()
session.update({"_auth_user_id": str(user.pk), "_auth_user_backend": "django.contrib.auth.backends.ModelBackend",
                "_auth_user_hash": user.get_session_auth_hash()})
session.save()
print(session.session_key)
"""
COUNT = """
from django.utils import timezone
from core.search.stored import refresh_counts
refresh_counts(now=timezone.now())
"""
TOKEN = "a" * 32
# Nothing or nearly everything matches, one letter, no index, an OR over two tables.
ODDITIES = tuple(
    f"/infrastructure/{where}/?q={quote(text)}"
    for where, texts in {
        "charge-points": (
            "name:q",
            "-name:box",
            "-evse:de",
            "zz",
            "firmware:zzz",
            "protocol:zzz",
            "-protocol:ocpp",
            "plug:zzz",
            "since:<1h",
            "since:>7d",
            "history:none",
            "seen:>30d",
            'street:""',
            "country:xx",
            "open:any open:none",
            "group:none -open:none",
            "status:charging status:available",
            "current:dc power:11..22",
            "connectivity:never",
        ),
        "incidents": (
            "said:zzz",
            "said:z",
            "-said:code",
            'said:"code 7" city:bonn',
            "evse:zz",
            "city:zzz",
            "closed:<1m",
            "repeats:>1",
            "case:sensors -case:sensors",
            "opened:>9000d",
            "ack:no open:yes",
        ),
    }.items()
    for text in texts
)
# Some 20,000 of them, and another 50 are marked with a page.
MANY = "tag:tag19"


def fill(live: Live) -> None:
    live.commands([(statement, None) for statement in FILL])
    live.manage("shell", "-v", "0", "-c", COUNT)  # as beat does every few minutes


def a_search(chance: random.Random) -> str:
    """Words and facets in any mixture, as people type them."""
    words = (
        lambda: chance.choice(CITIES).lower(),
        lambda: chance.choice(PLACES).lower()[: chance.randint(3, 8)],
        lambda: f"{chance.choice(PLACES).lower()} {chance.randint(0, 899)}",
        lambda: f"e{chance.randint(0, POINTS // 2):06d}",
        lambda: f"ben-{chance.randint(0, POINTS // 2)}",
    )
    facets = (
        lambda: f"city:{chance.choice(CITIES).lower()}",
        lambda: f"-city:{chance.choice(CITIES).lower()}",
        lambda: f"vendor:{chance.choice(VENDORS).lower()}",
        lambda: f"status:{chance.choice(('faulted', 'charging', 'available,preparing'))}",
        lambda: chance.choice(("connectivity:silent", "open:any", "open:fuse_tripped", "current:dc")),
        lambda: chance.choice(("power:>=50", "power:11..22", "power:300kW", "seen:<15m", "seen:>20h")),
        lambda: f"tag:tag{chance.randint(0, 49)}",
        lambda: chance.choice(("group:none", "group:any", f'group:"Group {chance.randint(1, GROUPS)}"')),
    )
    terms = [chance.choice(words)() for _ in range(chance.randint(0, 2))]
    terms += [chance.choice(facets)() for _ in range(chance.randint(0 if terms else 1, 3))]
    return " ".join(terms)


class _Browser:
    """One kept connection with a signed-in session."""

    def __init__(self, live: Live) -> None:
        self.session = live.manage("shell", "-v", "0", "-c", SESSION).split()[-1]
        self.connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=60)

    def took_ms(self, path: str, form: str | None = None) -> float:
        """How long a page takes, or a form that is answered with another page's address."""
        headers = {"Cookie": f"signalbox_session={self.session}; signalbox_csrf={TOKEN}"}
        if form is not None:
            headers |= {"X-CSRFToken": TOKEN, "Content-Type": "application/x-www-form-urlencoded"}
        started = time.perf_counter()
        self.connection.request("GET" if form is None else "POST", path, form, headers)
        answer = self.connection.getresponse()
        answer.read()
        took = (time.perf_counter() - started) * 1000
        if answer.status != (200 if form is None else 302):
            raise RuntimeError(f"{path} answered {answer.status}")
        return took


def at_a_million(rig: Rig) -> list[Figure]:
    """Magic Search over 200 random searches, and every page of charging infrastructure."""
    chance = random.Random(3)
    with rig.live() as live:
        fill(live)
        live.start("web")
        browser = _Browser(live)
        searches = [a_search(chance) for _ in range(200)]
        for search in searches[:20]:
            browser.took_ms(f"/infrastructure/charge-points/?q={quote(search)}")
        by_search = {s: browser.took_ms(f"/infrastructure/charge-points/?q={quote(s)}") for s in searches}
        by_oddity = {path: sorted(browser.took_ms(path) for _ in range(3))[1] for path in ODDITIES}
        pages = _pages(live)
        for path in pages:
            browser.took_ms(path)
        by_page = {path: sorted(browser.took_ms(path) for _ in range(5))[3] for path in pages}
        by_step = _wizard(live, browser)
    for name, times in (("search", by_search), ("oddity", by_oddity), ("page", by_page), ("step", by_step)):
        slowest = sorted(times.items(), key=lambda item: -item[1])[:6]
        print(f"slowest {name}: " + "; ".join(f"{what} {ms:.0f} ms" for what, ms in slowest), flush=True)
    return [
        Figure("Magic Search at 1,000,000, p99", percentile(list(by_search.values()), 0.99), "ms", 100, 100, True),
        Figure("searches that no index likes, slowest", max(by_oddity.values()), "ms", 300, 300, True),
        Figure("pages at 1,000,000, p95", percentile(list(by_page.values()), 0.95), "ms", 150, 150, True),
        Figure("wizard, 20,000 marked of 1,000,000, slowest step", max(by_step.values()), "ms", 500, 500, True),
    ]


def _wizard(live: Live, browser: _Browser) -> dict[str, float]:
    """A new group of 20,000 charge points, step by step; each step with what is shown after it."""
    ((draft,),) = live.rows(
        "INSERT INTO infra_notifications_groupdraft"
        " (owner_id, key, name, description, marked, members, began, version, updated_at)"
        " SELECT id, '0-many', 'Many', '', '{}', '{}', '{}', '', now()"
        " FROM auth_user WHERE username = 'bench' RETURNING key"
    )
    base = f"/infrastructure/groups/drafts/{draft}"
    points, found = f"{base}/charge-points/", f"{base}/charge-points/?q={quote(MANY)}"
    steps = {
        "name": browser.took_ms(f"{base}/name/", "name=Many&description=") + browser.took_ms(points),
        "search": browser.took_ms(found),
        "mark all": browser.took_ms(f"{base}/mark/?q={quote(MANY)}", "what=all") + browser.took_ms(found),
        "next page": browser.took_ms(f"{found}&page=2"),
        "mark a page": browser.took_ms(f"{base}/mark/", "what=this_page&on_page=1&on_page=2") + browser.took_ms(points),
        "to the end": browser.took_ms(f"{base}/mark/", "what=next") + browser.took_ms(f"{base}/confirm/"),
    }
    marked = live.rows("SELECT cardinality(marked) FROM infra_notifications_groupdraft WHERE key = %s", draft)[0][0]
    if marked < 20_000:
        raise RuntimeError(f"only {marked} charge points were marked")
    return steps | {"create": browser.took_ms(f"{base}/confirm/", "") + browser.took_ms("/infrastructure/groups/")}


def _pages(live: Live) -> list[str]:
    group = live.rows("SELECT min(id) FROM infra_notifications_notificationgroup")[0][0]
    point, incident = live.rows("SELECT charge_point_id, id FROM infra_notifications_incident LIMIT 1")[0]
    base = "/infrastructure"
    return [
        "/",
        "/audit/",
        "/api-keys/",
        "/outbox/deliveries/",
        "/outbox/events/",
        f"{base}/groups/",
        f"{base}/groups/?q=12",
        f"{base}/groups/{group}/",
        f"{base}/groups/{group}/edit/",
        f"{base}/groups/{group}/members/",
        f"{base}/groups/{group}/incidents/",
        f"{base}/groups/{group}/deliveries/",
        f"{base}/charge-points/",
        f"{base}/charge-points/?sort=location",
        f"{base}/charge-points/?sort=-max_power_kw",
        f"{base}/charge-points/?page=200",
        f"{base}/charge-points/{point}/",
        f"{base}/incidents/",
        f"{base}/incidents/?q=open:yes",
        f"{base}/incidents/?q=said:code",
        f"{base}/incidents/{incident}/",
        f"{base}/rules/",
        f"{base}/rules/unmapped/",
        "/admin/infra_notifications/chargepoint/",
        "/admin/infra_notifications/chargepoint/?q=bahnhof",
        f"/admin/infra_notifications/chargepoint/{point}/change/",
        "/admin/infra_notifications/incident/",
        f"/admin/infra_notifications/notificationgroup/{group}/change/",
    ]
