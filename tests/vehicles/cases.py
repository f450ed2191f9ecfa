"""For each of the 38: the facts that bring it about, those that nearly do, and what ends it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.vehicles.helpers import (
    ACCOUNT,
    CAR,
    DRIVER,
    HOME,
    NOW,
    Json,
    account,
    at,
    car,
    contract,
    driver,
    fact,
    linked,
    service,
    telemetry,
)

FRIEND = "driver-8"
LATER = at(hours=2)
# Days and months as suppliers write them; the last is over even for who was told of it yesterday.
TODAY, YESTERDAY = (f"{at(days=-n):%Y-%m-%d}" for n in (0, 1))
THIS_MONTH, LONG_OVER = (f"{at(days=-n):%Y-%m}" for n in (0, 32))
# The second day of the month that comes, when this one is over in every zone.
NEXT_MONTH = (NOW.replace(day=1) + timedelta(days=32)).replace(day=2)


@dataclass(frozen=True)
class Case:
    """`before` and then `trigger` bring it about by `look`; `before` and any of `near` do not; `clear` ends it by
    `later`. Without `clear` it ends by itself (`ends`) at `later`."""

    name: str
    trigger: list[Json]
    near: dict[str, list[Json]]
    before: list[Json] = field(default_factory=list)
    evaluated_at: datetime = NOW
    clear: list[Json] = field(default_factory=list)
    later: datetime = LATER
    ends: str = "resolved"
    who: str = DRIVER
    campaign: str = ""


def smart(managed: bool = True) -> list[Json]:
    """A car that can be charged smartly, at a known place, with smart charging on (or off)."""
    return [
        linked("Tesla", capabilities=["geoLocation", "startStopCharging"]),
        fact("charge_settings", at(days=-5), vehicle=CAR, smart_charging=managed),
    ]


def plugged(hours: float = 0, **more: Any) -> Json:
    return telemetry(at(hours=hours), **{"charge_state": "charging", "location": HOME, "power_kw": 7.4} | more)


def unplugged(hours: float = 1) -> Json:
    return telemetry(at(hours=hours), charge_state="disconnected")


def signed_in() -> Json:
    return account(at(days=-6), brand="Renault", auth_state="ok")


def renault(*more: Json) -> list[Json]:
    return [signed_in(), linked("Renault"), *more]


def listing(listed: bool, hours: float, **more: bool) -> Json:
    return fact("vehicle_listing", at(hours=hours), vehicle=CAR, listed=listed, **more)


# As platforms and makers say it.
NO_POWER = ("PLUGGED_IN:NO_POWER", "NoPower", "no_power")


def powerless(hours: float) -> Json:
    return plugged(hours, charge_state=NO_POWER[0], power_kw=None)


def command(word: str, hours: float) -> Json:
    return fact("charging_command", at(hours=hours), vehicle=CAR, command=word)


def plan(forecast: int | None, hours: float = 0) -> Json:
    ready = at(hours=6).isoformat()
    return fact("charging_plan", at(hours=hours), vehicle=CAR, target_soc=80, forecast_soc=forecast, ready_by=ready)


def pairing(step: str, hours: float = 0) -> Json:
    return fact("pairing", at(hours=hours), vehicle=CAR, step=step)


def agreement(state: str, hours: float = 0, version: str = "v2") -> Json:
    return fact("pdl_agreement", at(hours=hours), location=HOME, version=version, state=state)


def place(**data: Any) -> Json:
    return fact("charging_location", at(days=-3), location=HOME, **data)


def payout(state: str, amount: str = "12.50", currency: str = "EUR", key: str = "p-1", hours: float = 0) -> Json:
    return fact("payout", at(hours=hours), payout=key, driver=DRIVER, amount=amount, currency=currency, state=state)


def capability(**states: str) -> Json:
    return car(NOW, capabilities=states)


def both_missing(brand: str, model: str = "One") -> list[Json]:
    return [linked(brand, model=model, capabilities={"geoLocation": "missing", "startStopCharging": "blocked"})]


def referral(state: str) -> Json:
    return fact("referral", NOW, referral="r-1", referrer=DRIVER, invitee=FRIEND, state=state)


def expiring(days: float) -> list[Json]:
    return renault(service("active", at(days=-3), expires_at=at(days=days).isoformat()))


SESSIONS = [
    Case(
        "ManagedSessionStart",
        [plugged()],
        {
            "unplugged": [unplugged(0)],
            "an unknown place": [plugged(location=None)],
            "a state that says nothing": [plugged(charge_state="unknown")],
        },
        before=smart(),
        clear=[unplugged()],
    ),
    Case(
        "ManagedSessionEnd",
        [plugged(-1), plugged(-0.5), unplugged(0)],
        {"still plugged in": [plugged(-1), plugged(0)], "never plugged in": [unplugged(0)]},
        before=smart(),
        later=at(hours=23.5),
        ends="expired",
    ),
    Case(
        "UnmanagedSessionStart",
        [plugged()],
        {"smart charging on": [fact("charge_settings", at(hours=-1), vehicle=CAR, smart_charging=True), plugged()]},
        before=smart(managed=False),
        clear=[unplugged()],
    ),
    Case(
        "UnmanagedSessionEnd",
        [plugged(-1), unplugged(0)],
        {"still plugged in": [plugged(-1)]},
        before=smart(managed=False),
        later=at(hours=23),
        ends="expired",
    ),
    Case(
        "SessionImpossible",
        [plugged(-1), plan(62)],
        {
            "it will be reached": [plugged(-1), plan(80)],
            "no forecast": [plugged(-1), plan(None)],
            "no session": [plan(62)],
            "an unmanaged session": [
                fact("charge_settings", at(hours=-2), vehicle=CAR, smart_charging=False),
                plugged(-1),
                plan(62),
            ],
        },
        before=smart(),
        clear=[plan(85, 1)],
    ),
    Case(
        "ReceivedNoPower",
        [plugged(-0.25, power_kw=0)],
        {
            "power comes": [plugged(-0.25, power_kw=0), plugged(-0.1)],
            "for ten minutes only": [plugged(-10 / 60, power_kw=0)],
            **{
                f"at its limit: {word}": [plugged(-0.25, power_kw=0, charge_state=word)]
                for word in ("complete", "chargePurposeReachedAndConservation", "CONSERVING", "CHARGINGENDED")
            },
            "drawn is written with a minus": [plugged(-0.25, power_kw=-7.2)],
            "told to wait": [plugged(-0.25, power_kw=0, charge_state="stopped")],
            **{f"full, by {word}": [plugged(-0.25, charge_state=word, power_kw=None, soc=100)] for word in NO_POWER},
            "paused by us": [plugged(-1, charge_state="charging"), command("stop", -0.5), powerless(-0.25)],
            "as full as the plan wants": [plan(90, -1), plugged(-0.5, soc=80), powerless(-0.25)],
            "power said alone": [plugged(-0.25, power_kw=0), telemetry(at(minutes=-10), power_kw=7.2)],
            "a charge that rises said alone": [
                plugged(-0.25, power_kw=0, soc=50),
                *(telemetry(at(minutes=-n), soc=60 - n) for n in (9, 5, 1)),
            ],
            "full, and it is said once": [plugged(-0.5, power_kw=0, soc=100), plugged(-0.25, power_kw=0)],
            "charging, and the state left out": [
                command("start", -1),
                plugged(-0.5),
                telemetry(at(minutes=-20), plugged=True),
            ],
        },
        before=smart(),
        clear=[plugged(1)],
    ),
]

CONNECTION = [
    Case(
        "CarNotFound",
        [listing(False, -1), listing(False, 0)],
        {
            "absent once": [listing(False, 0)],
            "absent once, told twice": [listing(False, -0.001), listing(False, 0)],
            "listed in between": [listing(False, -2), listing(True, -1), listing(False, 0)],
            "the account cannot be read": [
                listing(False, -2),
                account(at(hours=-1), auth_state="invalid_credentials"),
                listing(False, 0),
            ],
            "removed by its driver": [car(at(hours=-3), removed=True), listing(False, -1), listing(False, 0)],
        },
        before=renault(listing(True, -24)),
        clear=[listing(True, 1)],
    ),
    Case(
        "CarNotReachable",
        [telemetry(at(hours=-24))],
        {
            "heard of yesterday": [telemetry(at(hours=-23))],
            "asleep": [
                telemetry(at(hours=-25)),
                fact("vehicle_contact", at(hours=-24), vehicle=CAR, ok=False, asleep=True),
            ],
            "not in the account": [listing(False, -26), telemetry(at(hours=-24)), listing(False, -2)],
            "never tried": [],
        },
        before=[linked("Tesla")],
        clear=[telemetry(at(hours=1))],
    ),
    Case(
        "InvalidCredentials",
        [account(NOW, auth_state="invalid_credentials")],
        {
            "valid": [account(NOW, auth_state="ok")],
            "unlinked": [account(NOW, auth_state="invalid_credentials", linked=False)],
            "a word that nobody knows": [account(NOW, auth_state="tired")],
        },
        before=renault(),
        clear=[fact("connect_session", at(hours=1), account=ACCOUNT, finished=True)],
    ),
    Case(
        "InvalidCredentialsBanner",
        [account(NOW, auth_state="invalid_credentials")],
        {"valid": [account(NOW, auth_state="ok")]},
        before=renault(),
        clear=[account(at(hours=1), auth_state="ok")],
    ),
    Case(
        "MyRenaultAccessRevoked",
        [car(NOW, link_status="missing")],
        {
            "still active": [car(NOW, link_status="active")],
            "the login fails": [
                account(at(hours=-1), auth_state="invalid_credentials"),
                car(NOW, link_status="missing"),
            ],
            "another brand": [car(at(hours=-1), brand="Audi"), car(NOW, link_status="missing")],
        },
        before=renault(car(at(days=-5), link_status="active")),
        clear=[car(at(hours=1), link_status="active")],
    ),
]

PAIRING = [
    Case(
        "ZeInteractiveToBeActivated",
        [service("none")],
        {
            "it runs": [service("active", expires_at=at(days=90).isoformat())],
            "another brand": [car(at(hours=-1), brand="Audi"), service("none")],
            "another service": [service("none", code="MY_CAR_FINDER")],
        },
        before=renault(),
        clear=[service("requested", at(hours=1))],
    ),
    Case(
        "ZeInteractiveCannotBeActivated",
        [service("rejected", reason="Echec d’activation")],
        {"requested": [service("requested")], "activated": [service("active")]},
        before=renault(service("requested", at(hours=-2))),
        clear=[service("requested", at(hours=1))],
    ),
    Case(
        "ZeInteractiveExpiresSoon",
        expiring(20),
        {
            "in two months": expiring(60),
            "over already": renault(service("active", expires_at=at(days=-1).isoformat())),
            "not running": renault(service("requested")),
        },
        clear=[service("active", at(hours=1), expires_at=at(days=365).isoformat())],
    ),
    Case(
        "ReadyForPairing",
        [pairing("ready")],
        {"begun": [pairing("started")], "not in the account": [car(at(hours=-1), removed=True), pairing("ready")]},
        before=[linked("Tesla")],
        clear=[pairing("started", 1)],
    ),
    Case(
        "CheckCarActivation",
        [pairing("completed", -24)],
        {
            "paired an hour ago": [pairing("completed", -1)],
            "heard of since": [pairing("completed", -24), telemetry(at(hours=-20))],
            "confirmed": [pairing("completed", -24), car(at(hours=-23), activation_confirmed=True)],
        },
        before=[linked("Tesla")],
        clear=[car(at(hours=1), activation_confirmed=True)],
    ),
    Case(
        "AudiNotPaired",
        [car(NOW, user_role="none")],
        {
            "primary": [car(NOW, user_role="primary")],
            "secondary": [car(NOW, user_role="secondary")],
            "role unknown to us": [],
            "role unknown to the vendor": [car(NOW, user_role="UNKNOWN")],
            "another brand": [car(NOW, brand="BMW", user_role="none")],
        },
        before=[linked("Audi")],
        clear=[car(at(hours=1), user_role="secondary")],
    ),
    Case(
        "AudiPairingNotComplete",
        [car(at(hours=-72), enrollment="started")],
        {
            "begun yesterday": [car(at(hours=-24), enrollment="started")],
            "completed": [car(at(hours=-72), enrollment="started"), car(at(hours=-1), enrollment="completed")],
            "another brand": [car(at(hours=-72), brand="BMW", enrollment="started")],
        },
        before=[linked("Audi")],
        clear=[car(at(hours=1), enrollment="completed")],
    ),
    Case(
        "RenaultWaitingForServiceActivation",
        [service("requested")],
        {"not requested": [service("none")], "active": [service("active")]},
        before=renault(),
        clear=[service("active", at(hours=1))],
    ),
    Case(
        "RenaultReadyForPairingEmail",
        [service("active")],
        {"refused": [service("rejected")], "still waiting": []},
        before=renault(service("requested", at(hours=-2))),
        clear=[pairing("completed", 1)],
    ),
    Case(
        "RenaultReadyForPairingBanner",
        [service("active")],
        {"refused": [service("rejected")], "begun to pair": [pairing("started", -1), service("active")]},
        before=renault(service("requested", at(hours=-2))),
        clear=[pairing("started", 1)],
    ),
]

SETTINGS = [
    Case(
        "GeoLocationDisabled",
        [car(NOW, geolocation_enabled=False)],
        {
            "on": [car(NOW, geolocation_enabled=True)],
            "unknown": [car(NOW, geolocation_enabled=None)],
            "another brand": [car(NOW, brand="Audi", geolocation_enabled=False)],
        },
        before=[linked("BMW", geolocation_enabled=True)],
        clear=[car(at(hours=1), geolocation_enabled=True)],
    ),
    Case(
        "AudiRemoteAccessDisabled",
        [car(NOW, privacy_mode=True)],
        {"off": [car(NOW, privacy_mode=False)], "another brand": [car(NOW, brand="BMW", privacy_mode=True)]},
        before=[linked("Audi", user_role="primary")],
        evaluated_at=NOW,
        clear=[telemetry(at(hours=1))],
    ),
    Case(
        "AudiRemoteAccessDisabledBanner",
        [car(NOW, privacy_mode=True)],
        {"off": [car(NOW, privacy_mode=False)]},
        before=[linked("Audi", user_role="primary")],
        clear=[car(at(hours=1), privacy_mode=False)],
    ),
    Case(
        "VolkswagenIdGeolocationCapabilitiesAvailable",
        [capability(geoLocation="available")],
        {
            "blocked": [capability(geoLocation="blocked")],
            "another capability": [capability(stateOfCharge="available")],
            "another brand": [car(at(hours=-1), brand="BMW"), capability(geoLocation="available")],
        },
        before=both_missing("Volkswagen", "ID.3"),
        later=at(days=30),
        ends="expired",
    ),
    Case(
        "BMWSmartChargingUnlockedBanner",
        [capability(geoLocation="available", startStopCharging="available")],
        {
            "one of two": [capability(geoLocation="available")],
            "a Mini": [
                car(at(hours=-1), brand="Mini"),
                capability(geoLocation="available", startStopCharging="available"),
            ],
        },
        before=both_missing("BMW"),
        later=at(days=90),
        ends="expired",
    ),
    Case(
        "MiniSmartChargingUnlockedBanner",
        [capability(geoLocation="available", startStopCharging="available")],
        {
            "one of two": [capability(startStopCharging="available")],
            "a BMW": [
                car(at(hours=-1), brand="BMW"),
                capability(geoLocation="available", startStopCharging="available"),
            ],
        },
        before=both_missing("MINI"),
        later=at(days=90),
        ends="expired",
    ),
]

CONTRACTS = [
    Case(
        "InvalidUtilityContract",
        [contract("invalid")],
        {
            "never valid": [contract("invalid", contract="another")],
            "valid": [contract("valid")],
            "replaced": [contract("valid", at(hours=-1), contract="another"), contract("invalid")],
        },
        before=[contract("valid", at(days=-5))],
        clear=[contract("valid", at(hours=1))],
    ),
    Case(
        "ReconnectUtilityContract",
        [contract("valid", at(days=-5), valid_to=YESTERDAY)],
        {
            "valid until tonight": [contract("valid", at(days=-5), valid_to=TODAY)],
            "removed": [contract("valid", at(days=-5), valid_to=YESTERDAY), contract("removed", at(days=-1))],
            "another took its place": [
                contract("valid", at(days=-5), valid_to=YESTERDAY),
                contract("valid", at(days=-4), contract="another"),
            ],
        },
        clear=[contract("valid", at(hours=1), contract="another")],
    ),
    Case(
        "InformationMobilizePdlBenefitBanner",
        [],
        {"has a PDL": [place(pdl="12345678901234")], "in another country": [place(country="NL")]},
        before=[driver(at(days=-1), marketing_consent=True)],
        campaign="InformationMobilizePdlBenefitBanner",
        clear=[fact("charging_location", at(hours=1), location=HOME, pdl="12345678901234")],
    ),
    Case(
        "AcceptPdlAgreementBanner",
        [agreement("offered")],
        {
            "accepted beforehand": [agreement("accepted", -1), agreement("offered")],
            "declined beforehand": [agreement("declined", -1), agreement("offered")],
            "no PDL": [fact("charging_location", at(hours=-1), location=HOME, pdl=None), agreement("offered")],
        },
        before=[fact("charging_location", at(days=-1), location=HOME, pdl="12345678901234")],
        clear=[agreement("accepted", 1)],
    ),
    Case(
        "RemovedGreenchoiceContractBanner",
        [contract("removed")],
        {"another supplier": [contract("removed", supplier="Eneco")], "not removed": [contract("invalid")]},
        before=[contract("valid", at(days=-5))],
        clear=[contract("valid", at(hours=1), contract="another")],
    ),
]

MONEY = [
    Case(
        "PayoutReceipt",
        [payout("sent")],
        {
            "failed": [payout("failed")],
            "no money": [payout("sent", "0.00")],
        },
        later=at(days=30),
        ends="expired",
    ),
    Case(
        "ChargingCostReimbursement",
        [
            fact(
                "reimbursement",
                at(days=-1),
                reimbursement="m-1",
                driver=DRIVER,
                period=LONG_OVER,
                amount=40,
                currency="EUR",
                qualified=True,
            )
        ],
        {
            "not qualified": [fact("reimbursement", reimbursement="m-1", driver=DRIVER, qualified=False)],
            "its month goes on": [
                fact("reimbursement", reimbursement="m-1", driver=DRIVER, period=THIS_MONTH, qualified=True)
            ],
        },
        later=at(days=29),
        ends="expired",
    ),
    Case(
        "ElexentChargingCostsOverview",
        [fact("cost_statement", statement="e-1", driver=DRIVER, provider="Elexent", period=THIS_MONTH, requested=True)],
        {
            "another provider": [
                fact("cost_statement", statement="e-1", driver=DRIVER, provider="Other", requested=True)
            ],
            "its month goes on": [
                fact("cost_statement", statement="e-1", driver=DRIVER, provider="Elexent", period=THIS_MONTH)
            ],
        },
        later=at(days=30),
        ends="expired",
    ),
    Case(
        "ReferralCompletedForReferrerBanner",
        [referral("completed")],
        {"open": [referral("open")]},
        later=at(days=90),
        ends="expired",
    ),
    Case(
        "ReferralCompletedForInviteeBanner",
        [referral("completed")],
        {"open": [referral("open")]},
        later=at(days=90),
        ends="expired",
        who=FRIEND,
    ),
]

APP = [
    Case(
        "ImportantUpdateAppv416Banner",
        [driver(NOW, app_version="4.9")],
        {
            "4.16 itself": [driver(NOW, app_version="4.16")],
            "4.16.0": [driver(NOW, app_version="4.16.0")],
            "newer": [driver(NOW, app_version="10.0")],
            "unknown": [driver(NOW, app_version="beta")],
        },
        campaign="ImportantUpdateAppv416Banner",
        clear=[driver(at(hours=1), app_version="4.16.1")],
    ),
]

CASES = [*SESSIONS, *CONNECTION, *PAIRING, *SETTINGS, *CONTRACTS, *MONEY, *APP]


@dataclass(frozen=True)
class Also:
    """Another way in which one of them comes about."""

    name: str
    how: str
    facts: list[Json]
    evaluated_at: datetime = NOW


def money(kind: str, key: str, **data: Any) -> Json:
    values: Json = {kind: key, "driver": DRIVER, "amount": 40, "currency": "EUR"} | data
    return fact({"statement": "cost_statement"}.get(kind, kind), NOW, **values)


ALSO = [
    Also(
        "CarNotReachable",
        "tried in vain for a day and never heard of",
        [
            linked("Tesla"),
            fact("vehicle_contact", at(hours=-24), vehicle=CAR, ok=False),
            fact("vehicle_contact", at(hours=-1), vehicle=CAR, ok=False),
        ],
    ),
    Also(
        "CarNotReachable",
        "awake again, and silent",
        [
            linked("Tesla"),
            telemetry(at(hours=-30)),
            fact("vehicle_contact", at(hours=-25), vehicle=CAR, ok=False, asleep=True),
            fact("vehicle_contact", at(hours=-2), vehicle=CAR, ok=False, asleep=False),
        ],
    ),
    Also("CarNotFound", "its platform says that it is gone", [linked("Tesla"), listing(False, -1, confirmed=True)]),
    Also("CarNotFound", "absent from the first sync on", [linked("Tesla"), listing(False, -2), listing(False, -1)]),
    Also(
        "ZeInteractiveToBeActivated",
        "its time is over",
        renault(service("active", at(days=-3), expires_at=at(hours=-1).isoformat())),
    ),
    Also("ZeInteractiveToBeActivated", "ended", renault(service("active", at(days=-3)), service("ended"))),
    Also(
        "ZeInteractiveExpiresSoon",
        "in seven days",
        renault(service("active", at(days=-3), expires_at=at(days=7).isoformat())),
    ),
    Also(
        "ZeInteractiveExpiresSoon",
        "tomorrow",
        renault(service("active", at(days=-1), expires_at=at(days=1).isoformat())),
    ),
    Also("ZeInteractiveCannotBeActivated", "never heard of the request", renault(service("rejected"))),
    Also(
        "RenaultWaitingForServiceActivation",
        "asked again after a refusal",
        renault(service("rejected", at(hours=-3)), service("requested")),
    ),
    Also(
        "ReadyForPairing",
        "a Renault whose service runs now",
        renault(service("requested", at(hours=-2)), service("active")),
    ),
    Also(
        "RenaultReadyForPairingBanner",
        "a second request, though the first was paired",
        renault(
            service("requested", at(days=-4)),
            service("active", at(days=-3)),
            pairing("completed", -60),
            telemetry(at(hours=-59)),
            service("ended", at(hours=-20)),
            service("requested", at(hours=-3)),
            service("active", at(hours=-1)),
        ),
    ),
    Also(
        "GeoLocationDisabled",
        "the capability is withdrawn, and no word about the setting",
        [linked("BMW", capabilities={"geoLocation": "available"}), capability(geoLocation="blocked")],
    ),
    Also(
        "AudiNotPaired",
        "none, after the vendor could not tell",
        [linked("Audi", user_role="primary"), car(at(hours=-1), user_role="UNKNOWN"), car(NOW, user_role="none")],
    ),
    Also("AudiNotPaired", "a guest", [linked("Audi"), car(NOW, user_role="guest")]),
    Also(
        "VolkswagenIdGeolocationCapabilitiesAvailable",
        "it was blocked",
        [linked("Volkswagen ID", capabilities={"geoLocation": "blocked"}), capability(geoLocation="available")],
    ),
    Also(
        "BMWSmartChargingUnlockedBanner",
        "one of two was there already",
        [
            linked("BMW", capabilities={"geoLocation": "available", "startStopCharging": "missing"}),
            capability(startStopCharging="available"),
        ],
    ),
    Also("UnmanagedSessionStart", "an unknown place", [*smart(), plugged(location=None)]),
    Also(
        "UnmanagedSessionStart",
        "the car cannot",
        [
            linked("Tesla", capabilities=["geoLocation"]),
            fact("charge_settings", at(days=-5), vehicle=CAR, smart_charging=True),
            plugged(),
        ],
    ),
    Also(
        "ManagedSessionEnd",
        "smart charging is switched off",
        [*smart(), plugged(-1), fact("charge_settings", NOW, vehicle=CAR, smart_charging=False)],
    ),
    Also("SessionImpossible", "by the second plan", [*smart(), plugged(-2), plan(90, -1.5), plan(70, -1)]),
    Also(
        "ReceivedNoPower",
        "told to charge and does not",
        [
            *smart(),
            plugged(-1, charge_state="stopped", power_kw=None),
            fact("charging_command", at(minutes=-40), vehicle=CAR, command="start"),
            plugged(-0.5, charge_state="stopped", power_kw=None),
        ],
    ),
    *(
        Also(
            "ReceivedNoPower",
            f"by the maker's own word {word}",
            [*smart(), plugged(-0.7, soc=50, charge_state=word, power_kw=None), telemetry(at(minutes=-5), soc=50)],
        )
        for word in NO_POWER
    ),
    Also("ReceivedNoPower", "not managed", [*smart(managed=False), powerless(-0.5)]),
    Also("ReceivedNoPower", "paused in another session", [*smart(), command("stop", -9), powerless(-0.5)]),
    Also(
        "ReceivedNoPower",
        "paused, and told to go on",
        [*smart(), plugged(-3), command("stop", -2), command("start", -1), powerless(-0.5)],
    ),
    Also(
        "ReceivedNoPower", "what waiting draws", [*smart(), plugged(-0.5, power_kw=0.02), plugged(-0.1, power_kw=0.02)]
    ),
    Also("ReceivedNoPower", "no power said once", [*smart(), plugged(-0.5, power_kw=0), plugged(-0.1, power_kw=None)]),
    Also(
        "ManagedSessionStart",
        "the place said later",
        [*smart(), plugged(-0.5, location=None), plugged(-0.4), plugged(-0.1, location=None)],
    ),
    Also("PayoutReceipt", "paid without a word that it was sent", [payout("paid")]),
    Also("PayoutReceipt", "due", [payout("due")]),
    Also(
        "AcceptPdlAgreementBanner",
        "an older one accepted",
        [place(pdl="12345678901234"), agreement("offered", -1, "v1.10"), agreement("accepted", 0, "v1.9")],
    ),
    *(
        Also("CarNotFound", f"{one} is missing from the account that it came to", facts)
        for one, facts in {
            "a car that moved": [
                *renault(),
                car(at(hours=-9), account="new"),
                *(fact("vehicle_listing", at(hours=h), vehicle=CAR, account="new", listed=False) for h in (-2, 0)),
            ],
            "a car of which nobody else": [
                fact("vehicle_listing", at(hours=h), vehicle=CAR, account=ACCOUNT, listed=False) for h in (-2, 0)
            ]
            + [account(brand="Renault"), car(driver=DRIVER)],
        }.items()
    ),
    Also("PayoutReceipt", "a small sum", [payout("sent", "0.50", "SEK")]),
    Also("ChargingCostReimbursement", "for no month", [money("reimbursement", "m-2", qualified=True)]),
    Also("ElexentChargingCostsOverview", "issued", [money("statement", "e-2", provider="ELEXENT", issued=True)]),
    Also(
        "ElexentChargingCostsOverview",
        "issued by the company's full name",
        [money("statement", "e-2", provider="ELEXENT SAS", issued=True)],
    ),
    Also(
        "ElexentChargingCostsOverview",
        "its month is over",
        [money("statement", "e-3", provider="Elexent", period=THIS_MONTH)],
        NEXT_MONTH,
    ),
    Also("ReconnectUtilityContract", "said to have expired", [contract("valid", at(days=-2)), contract("expired")]),
    Also(
        "InvalidUtilityContract",
        "once more after it was mended",
        [
            contract("valid", at(days=-5)),
            contract("invalid", at(hours=-2)),
            contract("valid", at(hours=-1)),
            contract("removed", at(minutes=-50)),
            contract("valid", at(minutes=-40), contract="second"),
            contract("invalid", contract="second"),
        ],
    ),
    Also(
        "AcceptPdlAgreementBanner",
        "a newer version than the one that was accepted",
        [
            fact("charging_location", at(days=-1), location=HOME, pdl="12345678901234"),
            agreement("offered", -20, "v1"),
            agreement("accepted", -19, "v1"),
            agreement("offered", -1, "v2"),
        ],
    ),
    Also(
        "RemovedGreenchoiceContractBanner",
        "under its full name",
        [
            contract("valid", at(days=-5), supplier="Green-Choice B.V."),
            contract("removed", supplier="Green Choice B.V."),
        ],
    ),
]
