"""The web application for any WSGI server; production runs it under granian."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

from core.bodies import WholeBodies

_people = get_wsgi_application()

from django.conf import settings  # noqa: E402 - these need the settings
from django.urls import get_resolver  # noqa: E402

from core import clock, rates  # noqa: E402
from core.handlers import MachineHandler, by_address  # noqa: E402
from core.logs import catch_stray_errors  # noqa: E402
from core.memory import limit_growth  # noqa: E402
from infra_notifications.services import sources  # noqa: E402
from outbox import watch  # noqa: E402
from outbox.watch import WEB  # noqa: E402

application = WholeBodies(by_address(_people, MachineHandler()), timeout_s=settings.BODY_TIMEOUT_S)
_ = get_resolver().url_patterns  # loaded now and not while the first person waits
# Between two waits for the database a request waits for its turn in Python: for a millisecond beside one that reads a
# message of thousands of entries, not for five.
sys.setswitchinterval(0.001)
catch_stray_errors()
limit_growth(settings.WEB_MEMORY_MB)
clock.start()
rates.start()
sources.gathered.start()
if not settings.TRUSTED_PROXIES:  # else they wait for bodies, and all connections have their address
    application.watch.start()
watch.start(WEB)
