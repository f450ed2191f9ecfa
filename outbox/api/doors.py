"""What every file of this API shares: the router and the keys' scopes."""

from ninja import Router

from core.api import ScopedKey

router = Router()
READ, WRITE = ScopedKey("outbox:read"), ScopedKey("outbox:write")
