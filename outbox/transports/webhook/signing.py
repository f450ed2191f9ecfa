"""Signatures by Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, base64, one `v1,…` for each secret.

<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>
"""

from __future__ import annotations

import hmac
import secrets
from base64 import b64decode, b64encode
from collections.abc import Sequence

PREFIX = "whsec_"
# The specification asks for 24 to 64 bytes.
SECRET_BYTES = 32


def new_secret() -> str:
    return PREFIX + b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signer(secret: str) -> hmac.HMAC:
    """What signs with a `whsec_…` secret: keyed once, copied for each message.

    (`hmac.digest` gives the interpreter away at each call, which beside a busy thread costs more than the hash.)
    """
    return hmac.new(b64decode(secret.removeprefix(PREFIX)), digestmod="sha256")


def signatures(signers: Sequence[hmac.HMAC], message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: signed with the new and, while they overlap, the old secret.

    `timestamp` is that of the attempt, in whole seconds since the epoch.
    """
    signed = f"{message_id}.{timestamp}.".encode() + body
    return " ".join("v1," + b64encode(_digest(keyed, signed)).decode() for keyed in signers)


def _digest(keyed: hmac.HMAC, message: bytes) -> bytes:
    copy = keyed.copy()
    copy.update(message)
    return copy.digest()
