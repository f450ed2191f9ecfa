"""What every file of this API shares: the router and the keys' scopes."""

from core.api import Router, ScopedKey

router = Router()
READ, WRITE = ScopedKey("outbox:read"), ScopedKey("outbox:write")
