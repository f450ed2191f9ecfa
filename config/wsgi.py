"""The web application for any WSGI server; production runs it under granian."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

from core.bodies import WholeBodies

application = WholeBodies(get_wsgi_application())

from django.urls import get_resolver  # noqa: E402 - these need the settings

from outbox import watch  # noqa: E402

_ = get_resolver().url_patterns  # loaded now and not while the first person waits
watch.start()
