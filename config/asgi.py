"""The web application for an ASGI server. WSGI under granian is faster here (docs/decisions); this door stays open."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.asgi import get_asgi_application

application = get_asgi_application()
