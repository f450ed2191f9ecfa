"""The envelope sender of each mail: signed, so that what comes back to it names its delivery and can be believed."""

from __future__ import annotations

from django.conf import settings
from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "outbox.bounces"
# 80 bits, in letters that servers leave as they are: some change the case of what stands before the @.
_SIGNATURE = 20


def envelope_sender(delivery_id: int) -> str:
    """Where reports on a delivery go; empty where BOUNCE_DOMAIN is not set.

    `b-<id>-<signature>@domain`, or `box+<id>-<signature>@domain` where BOUNCE_DOMAIN is an address.
    """
    box, at, domain = str(settings.BOUNCE_DOMAIN).rpartition("@")
    if not domain:
        return ""
    mark = f"{delivery_id}-{signature_of(delivery_id)}"
    return f"{box}+{mark}@{domain}" if at else f"b-{mark}@{domain}"


def signature_of(delivery_id: int, secret: str | None = None) -> str:
    """The signature by SECRET_KEY, or by an older one."""
    return salted_hmac(_SALT, str(delivery_id), secret, algorithm="sha256").hexdigest()[:_SIGNATURE]


def is_signed(delivery_id: int, signature: str) -> bool:
    secrets = (None, *settings.SECRET_KEY_FALLBACKS)
    return any(constant_time_compare(signature_of(delivery_id, secret), signature) for secret in secrets)
