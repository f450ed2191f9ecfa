"""Pages of bike-share, one file per kind."""

from bikeshare.views.actions import ACTIONS
from bikeshare.views.feeds import feed_change, feed_delete, feed_read, feeds
from bikeshare.views.lists import LISTS, zones_geojson
from bikeshare.views.map import city_map
from bikeshare.views.objects import PAGES, trip_page
from bikeshare.views.topics import topic_sample, topics

__all__ = [
    "ACTIONS",
    "LISTS",
    "PAGES",
    "city_map",
    "feed_change",
    "feed_delete",
    "feed_read",
    "feeds",
    "topic_sample",
    "topics",
    "trip_page",
    "zones_geojson",
]
