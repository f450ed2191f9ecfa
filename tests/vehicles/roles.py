"""What each role may do with vehicles beyond the role before it; tests/core/test_roles.py compares."""

from __future__ import annotations

from core.roles import OPERATOR, VIEWER

_SEEN = (
    "driver oemaccount vehicle oemservice charginglocation utilitycontract pdlagreement chargingsession telemetrysample"
    " payout reimbursement coststatement referral campaign campaignrecipient fact drivernotification notificationstep"
    " programlook addedlanguage typesetting notificationtext vehiclesource platformmessage feed mute brake"
)
GRANTS: dict[str, set[str]] = {
    VIEWER: {f"view_{model}" for model in _SEEN.split()},
    OPERATOR: {
        "add_fact",
        "send_sample",
        "run_campaign",
        "support_drivernotification",
        "decide_brake",
        *(
            f"{action}_{model}"
            for model in (
                "campaign",
                "typesetting",
                "notificationtext",
                "vehiclesource",
                "programlook",
                "addedlanguage",
            )
            for action in ("add", "change", "delete")
        ),
    },
}
