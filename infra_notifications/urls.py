"""URLs of charging infrastructure notifications."""

from django.urls import path

from infra_notifications import views

app_name = "infra_notifications"
urlpatterns = [
    path("groups/", views.GroupList.as_view(), name="groups"),
    path("groups/new/", views.wizard_start, name="wizard_start"),
    path("groups/drafts/<int:pk>/name/", views.wizard_name, name="wizard_name"),
    path(
        "groups/drafts/<int:pk>/charge-points/",
        views.WizardChargePoints.as_view(),
        name="wizard_charge_points",
    ),
    path("groups/drafts/<int:pk>/mark/", views.wizard_mark, name="wizard_mark"),
    path("groups/drafts/<int:pk>/confirm/", views.wizard_confirm, name="wizard_confirm"),
    path("groups/drafts/<int:pk>/discard/", views.wizard_discard, name="wizard_discard"),
    path("groups/<int:pk>/", views.group_configuration, name="group"),
    path("groups/<int:pk>/edit/", views.group_edit, name="group_edit"),
    path("groups/<int:pk>/change/", views.wizard_change, name="wizard_change"),
    path("groups/<int:pk>/members/", views.GroupMembers.as_view(), name="group_members"),
    path("groups/<int:pk>/members/remove/", views.group_member_remove, name="group_member_remove"),
    path("groups/<int:pk>/incidents/", views.GroupIncidents.as_view(), name="group_incidents"),
    path("groups/<int:pk>/deliveries/", views.GroupDeliveries.as_view(), name="group_deliveries"),
    path("groups/<int:pk>/test/", views.group_test, name="group_test"),
    path("groups/<int:pk>/delete/", views.group_delete, name="group_delete"),
    path("charge-points/", views.ChargePointList.as_view(), name="charge_points"),
    path("charge-points/export.csv", views.charge_points_csv, name="charge_points_csv"),
    path("charge-points/import/", views.import_start, name="import_start"),
    path("charge-points/import/<int:pk>/", views.import_job, name="import_job"),
    path("charge-points/import/<int:pk>/confirm/", views.import_confirm, name="import_confirm"),
    path("charge-points/unknown/", views.UnknownList.as_view(), name="unknown"),
    path("charge-points/unknown/<int:pk>/adopt/", views.unknown_adopt, name="unknown_adopt"),
    path("charge-points/<int:pk>/", views.charge_point, name="charge_point"),
    path("incidents/", views.IncidentList.as_view(), name="incidents"),
    path("incidents/<int:pk>/", views.incident, name="incident"),
    path("incidents/<int:pk>/close/", views.incident_close, name="incident_close"),
    path("rules/", views.RuleList.as_view(), name="rules"),
    path("rules/try/", views.rule_try, name="rule_try"),
    path("rules/unmapped/", views.UnmappedList.as_view(), name="unmapped"),
    path("rules/unmapped/<int:pk>/", views.unmapped_decide, name="unmapped_decide"),
]
