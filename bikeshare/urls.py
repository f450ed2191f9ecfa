"""URLs of bike-share: pages, and the public GBFS feeds."""

from django.urls import path

from bikeshare import views
from bikeshare.api.public_feeds import VERSIONS, gbfs_file, gbfs_manifest
from bikeshare.services.specs import SPECS

app_name = "bikeshare"
urlpatterns = [
    path("bikeshare/map/", views.city_map, name="map"),
    path("bikeshare/feeds/", views.feeds, name="feeds"),
    path("bikeshare/feeds/<int:pk>/", views.feed_change, name="feed_change"),
    path("bikeshare/feeds/<int:pk>/read/", views.feed_read, name="feed_read"),
    path("bikeshare/feeds/<int:pk>/delete/", views.feed_delete, name="feed_delete"),
    path("bikeshare/zones.geojson", views.zones_geojson, name="zones_geojson"),
    path("bikeshare/topics/", views.topics, name="topics"),
    path("bikeshare/topics/sample/", views.topic_sample, name="topic_sample"),
    *(path(f"bikeshare/{plural}/", page.as_view(), name=plural) for plural, page in views.LISTS.items()),
    *(path(f"bikeshare/{action.path}", action.view(), name=action.name) for action in views.ACTIONS),
    path("bikeshare/trips/<str:pk>/", views.trip_page, name="trip"),
    *(
        path(f"bikeshare/{spec.plural}/<str:pk>/", views.PAGES[spec.name], name=spec.name)
        for spec in SPECS.values()
        if spec.name in views.PAGES
    ),
    path("gbfs/manifest.json", gbfs_manifest, name="gbfs_manifest"),
    # The newest version stands where the feed always stood.
    *(
        path(
            f"gbfs/<slug:pk>/{'' if version == '3.0' else f'{version}/'}{name}.json",
            gbfs_file(version, name),
            name=f"gbfs_{version}_{name}",
        )
        for version, files in VERSIONS.items()
        for name in files
    ),
]
