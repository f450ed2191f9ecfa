"""The settings of production, with an app beside ours that publishes what the fault tests need."""

from config.settings import *  # noqa: F403
from config.settings import BASE_DIR, INSTALLED_APPS, TEMPLATES

INSTALLED_APPS += ["tests.faults.app.apps.FaultsConfig"]
TEMPLATES[0]["DIRS"] += [  # type: ignore[operator]
    BASE_DIR / "tests" / "outbox" / "templates"
]
