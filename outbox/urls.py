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
    path("deliveries/<int:pk>/resend/", views.delivery_resend, name="delivery_resend"),
    path("dead-letters/", views.DeadLetterList.as_view(), name="dead_letters"),
    path("dead-letters/retry/", views.dead_letters_retry, name="dead_letters_retry"),
    path("erase/", views.erase_address, name="erase_address"),
    path("events/", views.EventList.as_view(), name="events"),
    path("events/<int:pk>/", views.event, name="event"),
    path("topic-lists/", views.TopicListList.as_view(), name="topic_lists"),
    path("topic-lists/new/", views.topic_list_create, name="topic_list_create"),
    path("topic-lists/check/", views.topic_list_check, name="topic_list_check"),
    path("topic-lists/<int:pk>/", views.topic_list, name="topic_list"),
    path("topic-lists/<int:pk>/edit/", views.topic_list_edit, name="topic_list_edit"),
    path("topic-lists/<int:pk>/deliveries/", views.TopicListDeliveries.as_view(), name="topic_list_deliveries"),
    path("topic-lists/<int:pk>/not-told/", views.TopicListUntold.as_view(), name="topic_list_untold"),
    path("topic-lists/<int:pk>/test/", views.topic_list_test, name="topic_list_test"),
    path("topic-lists/<int:pk>/delete/", views.topic_list_delete, name="topic_list_delete"),
    path("event-kinds/", views.event_kinds, name="event_kinds"),
    path("webhooks/", views.WebhookList.as_view(), name="webhooks"),
    path("webhooks/new/", views.webhook_create, name="webhook_create"),
    path("webhooks/<int:pk>/", views.webhook, name="webhook"),
    path("webhooks/<int:pk>/edit/", views.webhook_edit, name="webhook_edit"),
    path("webhooks/<int:pk>/deliveries/", views.WebhookDeliveries.as_view(), name="webhook_deliveries"),
    path("webhooks/<int:pk>/replay/", views.webhook_replay, name="webhook_replay"),
    path("webhooks/<int:pk>/pause/", views.webhook_pause, name="webhook_pause"),
    path("webhooks/<int:pk>/resume/", views.webhook_resume, name="webhook_resume"),
    path("webhooks/<int:pk>/rotate/", views.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<int:pk>/test/", views.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/delete/", views.webhook_delete, name="webhook_delete"),
    path("deliveries/<int:pk>/again/", views.webhook_again, name="webhook_again"),
    path("unsubscribe/<str:token>/", views.unsubscribe, name="unsubscribe"),
]
