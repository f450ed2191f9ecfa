"""URLs of the outbox."""

from django.urls import path

from outbox.views import addresses, dead_letters, deliveries, erasure, event_kinds, topic_lists, webhooks

app_name = "outbox"
urlpatterns = [
    path("deliveries/", deliveries.DeliveryList.as_view(), name="deliveries"),
    path("deliveries/<int:pk>/", deliveries.delivery, name="delivery"),
    path("deliveries/<int:pk>/preview/", deliveries.delivery_preview, name="delivery_preview"),
    path("deliveries/<int:pk>/retry/", deliveries.delivery_retry, name="delivery_retry"),
    path("deliveries/<int:pk>/cancel/", deliveries.delivery_cancel, name="delivery_cancel"),
    path("deliveries/<int:pk>/resend/", deliveries.delivery_resend, name="delivery_resend"),
    path("dead-letters/", dead_letters.DeadLetterList.as_view(), name="dead_letters"),
    path("dead-letters/retry/", dead_letters.dead_letters_retry, name="dead_letters_retry"),
    path("addresses/<int:pk>/resume/", addresses.address_resume, name="address_resume"),
    path("erase/", erasure.erase_address, name="erase_address"),
    path("report/", erasure.subject_report, name="subject_report"),
    path("events/", deliveries.EventList.as_view(), name="events"),
    path("events/<int:pk>/", deliveries.event, name="event"),
    path("topic-lists/", topic_lists.TopicListList.as_view(), name="topic_lists"),
    path("topic-lists/new/", topic_lists.topic_list_create, name="topic_list_create"),
    path("topic-lists/check/", topic_lists.topic_list_check, name="topic_list_check"),
    path("topic-lists/<int:pk>/", topic_lists.topic_list, name="topic_list"),
    path("topic-lists/<int:pk>/edit/", topic_lists.topic_list_edit, name="topic_list_edit"),
    path("topic-lists/<int:pk>/deliveries/", topic_lists.TopicListDeliveries.as_view(), name="topic_list_deliveries"),
    path("topic-lists/<int:pk>/not-told/", topic_lists.TopicListUntold.as_view(), name="topic_list_untold"),
    path("topic-lists/<int:pk>/test/", topic_lists.topic_list_test, name="topic_list_test"),
    path("topic-lists/<int:pk>/delete/", topic_lists.topic_list_delete, name="topic_list_delete"),
    path("event-kinds/", event_kinds.event_kinds, name="event_kinds"),
    path("webhooks/", webhooks.WebhookList.as_view(), name="webhooks"),
    path("webhooks/new/", webhooks.webhook_create, name="webhook_create"),
    path("webhooks/<int:pk>/", webhooks.webhook, name="webhook"),
    path("webhooks/<int:pk>/edit/", webhooks.webhook_edit, name="webhook_edit"),
    path("webhooks/<int:pk>/deliveries/", webhooks.WebhookDeliveries.as_view(), name="webhook_deliveries"),
    path("webhooks/<int:pk>/replay/", webhooks.webhook_replay, name="webhook_replay"),
    path("webhooks/<int:pk>/pause/", webhooks.webhook_pause, name="webhook_pause"),
    path("webhooks/<int:pk>/resume/", webhooks.webhook_resume, name="webhook_resume"),
    path("webhooks/<int:pk>/rotate/", webhooks.webhook_rotate, name="webhook_rotate"),
    path("webhooks/<int:pk>/test/", webhooks.webhook_test, name="webhook_test"),
    path("webhooks/<int:pk>/delete/", webhooks.webhook_delete, name="webhook_delete"),
    path("deliveries/<int:pk>/again/", webhooks.webhook_again, name="webhook_again"),
    path("unsubscribe/<str:token>/", deliveries.unsubscribe, name="unsubscribe"),
]
