"""The project: settings, URLs, the API, Celery, the engines of the demo. The top layer: nothing else imports it."""

import gc

from config.celery import app as celery_app

__all__ = ["celery_app"]

# A batch makes tens of thousands of containers; Python's own 700 is meant for small programs and took a fifth of its
# time, for the collector walked over them again and again (docs/performance.md).
gc.set_threshold(50_000, 20, 50)
