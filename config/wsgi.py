"""The web application for any WSGI server; production runs it under granian."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.wsgi import get_wsgi_application

# A request that waits for the database gets the interpreter back after half a millisecond, not after five: with many
# threads the answer to each statement would otherwise wait for whoever is computing.
sys.setswitchinterval(0.0005)

application = get_wsgi_application()

from django.urls import get_resolver  # noqa: E402 - these need the settings

from config import garbage  # noqa: E402
from outbox import watch  # noqa: E402

_ = get_resolver().url_patterns  # loaded now and not while the first person waits
garbage.settle()
watch.start()
