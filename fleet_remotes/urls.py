"""URLs of fleet remotes."""

from django.urls import path

from fleet_remotes.views import actions, batches, callbacks, drafts, vehicles

app_name = "fleet_remotes"
urlpatterns = [
    path("vehicles/", vehicles.VehicleList.as_view(), name="vehicles"),
    path("vehicles/command/", drafts.vehicles_command, name="vehicles_command"),
    path("vehicles/<int:pk>/", vehicles.vehicle, name="vehicle"),
    path("vehicles/read/", vehicles.vehicles_read, name="vehicles_read"),
    path("vehicles/<int:pk>/read/", vehicles.vehicle_read, name="vehicle_read"),
    path("vehicles/<int:pk>/budget/", vehicles.vehicle_budget, name="vehicle_budget"),
    path("drafts/<int:pk>/", drafts.draft_command, name="draft"),
    path("drafts/<int:pk>/check/", drafts.draft_check, name="draft_check"),
    path("drafts/<int:pk>/discard/", drafts.draft_discard, name="draft_discard"),
    path("actions/", actions.ActionList.as_view(), name="actions"),
    path("actions/<int:pk>/", actions.action, name="action"),
    path("actions/<int:pk>/cancel/", actions.action_cancel, name="action_cancel"),
    path("actions/<int:pk>/look/", actions.action_look, name="action_look"),
    path("actions/<int:pk>/again/", actions.action_again, name="action_again"),
    path("batches/", batches.BatchList.as_view(), name="batches"),
    path("batches/<int:pk>/", batches.BatchPage.as_view(), name="batch"),
    path("batches/<int:pk>/cancel/", batches.batch_cancel, name="batch_cancel"),
    path("batches/<int:pk>/retry/", batches.batch_retry, name="batch_retry"),
    path("wake-ups/", vehicles.WakeUpList.as_view(), name="wakeups"),
    path("fleets/", vehicles.FleetList.as_view(), name="fleets"),
    path("fleets/<int:pk>/stop/", vehicles.fleet_stop, name="fleet_stop"),
    path("fleets/<int:pk>/resume/", vehicles.fleet_resume, name="fleet_resume"),
    path("callbacks/", callbacks.CallbackList.as_view(), name="callbacks"),
    path("callbacks/new/", callbacks.callback_new, name="callback_new"),
    path("callbacks/<int:pk>/", callbacks.callback, name="callback"),
    path("callbacks/<int:pk>/register/", callbacks.callback_register, name="callback_register"),
    path("callbacks/<int:pk>/update/", callbacks.callback_update, name="callback_update"),
    path("callbacks/<int:pk>/rotate/", callbacks.callback_rotate, name="callback_rotate"),
    path("callbacks/<int:pk>/pause/", callbacks.callback_set_status, {"what": "pause"}, name="callback_pause"),
    path("callbacks/<int:pk>/resume/", callbacks.callback_set_status, {"what": "resume"}, name="callback_resume"),
    path("callbacks/<int:pk>/delete/", callbacks.callback_set_status, {"what": "delete"}, name="callback_delete"),
    path("fleets/<int:pk>/callbacks/", callbacks.callbacks_at_vendor, name="callbacks_at_vendor"),
    path("notifications/", callbacks.NotificationList.as_view(), name="notifications"),
    path("notifications/unmatched/", callbacks.UnmatchedList.as_view(), name="unmatched"),
    path("notifications/unmatched/read-again/", callbacks.unmatched_read_again, name="unmatched_read_again"),
    path("messages/", callbacks.MessageList.as_view(), name="messages"),
    path("messages/<int:pk>/", callbacks.message, name="message"),
]
