"""The project: settings, URLs, the API, Celery, the engines of the demo. The top layer: nothing else imports it."""

from config.celery import app as celery_app

__all__ = ["celery_app"]
