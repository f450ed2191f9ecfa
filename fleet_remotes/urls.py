"""URLs of fleet remotes."""

from django.urls import path

from fleet_remotes import views

app_name = "fleet_remotes"
urlpatterns = [
    path("vehicles/", views.VehicleList.as_view(), name="vehicles"),
    path("vehicles/command/", views.vehicles_command, name="vehicles_command"),
    path("vehicles/<int:pk>/", views.vehicle, name="vehicle"),
    path("vehicles/<int:pk>/budget/", views.vehicle_budget, name="vehicle_budget"),
    path("drafts/<int:pk>/", views.draft_command, name="draft"),
    path("drafts/<int:pk>/check/", views.draft_check, name="draft_check"),
    path("drafts/<int:pk>/discard/", views.draft_discard, name="draft_discard"),
    path("actions/", views.ActionList.as_view(), name="actions"),
    path("actions/<int:pk>/", views.action, name="action"),
    path("actions/<int:pk>/cancel/", views.action_cancel, name="action_cancel"),
    path("actions/<int:pk>/look/", views.action_look, name="action_look"),
    path("actions/<int:pk>/again/", views.action_again, name="action_again"),
    path("batches/", views.BatchList.as_view(), name="batches"),
    path("batches/<int:pk>/", views.BatchPage.as_view(), name="batch"),
    path("batches/<int:pk>/cancel/", views.batch_cancel, name="batch_cancel"),
    path("batches/<int:pk>/retry/", views.batch_retry, name="batch_retry"),
    path("wake-ups/", views.WakeUpList.as_view(), name="wakeups"),
    path("fleets/", views.FleetList.as_view(), name="fleets"),
    path("fleets/<int:pk>/stop/", views.fleet_stop, name="fleet_stop"),
    path("fleets/<int:pk>/resume/", views.fleet_resume, name="fleet_resume"),
    path("callbacks/", views.CallbackList.as_view(), name="callbacks"),
    path("callbacks/new/", views.callback_new, name="callback_new"),
    path("callbacks/<int:pk>/", views.callback, name="callback"),
    path("callbacks/<int:pk>/register/", views.callback_register, name="callback_register"),
    path("notifications/", views.NotificationList.as_view(), name="notifications"),
    path("notifications/unmatched/", views.UnmatchedList.as_view(), name="unmatched"),
    path("notifications/unmatched/read-again/", views.unmatched_read_again, name="unmatched_read_again"),
    path("messages/", views.MessageList.as_view(), name="messages"),
    path("messages/<int:pk>/", views.message, name="message"),
]
