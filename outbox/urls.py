"""URLs of the outbox."""

from django.urls import path

from outbox import views

app_name = "outbox"
urlpatterns = [
    path("deliveries/", views.DeliveryList.as_view(), name="deliveries"),
    path("deliveries/<int:pk>/", views.delivery, name="delivery"),
    path("deliveries/<int:pk>/preview/", views.delivery_preview, name="delivery_preview"),
    path("deliveries/<int:pk>/retry/", views.delivery_retry, name="delivery_retry"),
    path("deliveries/<int:pk>/cancel/", views.delivery_cancel, name="delivery_cancel"),
    path("events/", views.EventList.as_view(), name="events"),
    path("events/<int:pk>/", views.event, name="event"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
