"""The platforms whose webhooks are understood; another is a module here and a line in PLATFORMS."""

from vehicles.ingest.platforms.base import Platform, Translation
from vehicles.ingest.platforms.enode import Enode
from vehicles.ingest.platforms.smartcar import Smartcar

_ALL: tuple[Platform, ...] = (Smartcar(), Enode())
PLATFORMS: dict[str, Platform] = {platform.name: platform for platform in _ALL}

__all__ = ["PLATFORMS", "Platform", "Translation"]
