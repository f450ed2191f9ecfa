"""URLs of vehicles."""

from django.urls import path

from vehicles import views

app_name = "vehicles"
urlpatterns = [
    path("drivers/", views.DriverList.as_view(), name="drivers"),
    path("drivers/<int:pk>/", views.driver, name="driver"),
    path("drivers/<int:pk>/mute/", views.driver_mute, name="driver_mute"),
    path("mutes/<int:pk>/delete/", views.driver_unmute, name="driver_unmute"),
    path("cars/", views.VehicleList.as_view(), name="vehicles"),
    path("cars/<int:pk>/", views.vehicle, name="vehicle"),
    path("accounts/", views.AccountList.as_view(), name="accounts"),
    path("sessions/", views.SessionList.as_view(), name="sessions"),
    path("contracts/", views.ContractList.as_view(), name="contracts"),
    path("sources/", views.SourceList.as_view(), name="sources"),
    path("sources/new/", views.source_new, name="source_new"),
    path("sources/messages/", views.PlatformMessageList.as_view(), name="platform_messages"),
    path("sources/messages/<int:pk>/", views.platform_message, name="platform_message"),
    path("sources/<int:pk>/", views.source, name="source"),
    path("sources/<int:pk>/edit/", views.source_edit, name="source_edit"),
    path("sources/<int:pk>/delete/", views.source_delete, name="source_delete"),
    path("facts/new/", views.fact_new, name="fact_new"),
    path("notifications/", views.NotificationList.as_view(), name="notifications"),
    path("notifications/<int:pk>/", views.notification, name="notification"),
    path("notifications/<int:pk>/resend/", views.notification_resend, name="notification_resend"),
    path("notifications/<int:pk>/resolve/", views.notification_resolve, name="notification_resolve"),
    path("notifications/<int:pk>/note/", views.notification_note, name="notification_note"),
    path("brakes/", views.BrakeList.as_view(), name="brakes"),
    path("brakes/<int:pk>/decide/", views.brake_decide, name="brake_decide"),
    path("catalogue/", views.CatalogueList.as_view(), name="catalogue"),
    path("catalogue/<int:pk>/", views.notification_type, name="type"),
    path("catalogue/<int:pk>/edit/", views.type_edit, name="type_edit"),
    path("catalogue/<int:pk>/texts/", views.type_texts, name="type_texts"),
    path("catalogue/<int:pk>/sample/", views.type_sample, name="type_sample"),
    path("campaigns/", views.CampaignList.as_view(), name="campaigns"),
    path("campaigns/new/", views.campaign_new, name="campaign_new"),
    path("campaigns/<int:pk>/", views.campaign, name="campaign"),
    path("campaigns/<int:pk>/edit/", views.campaign_edit, name="campaign_edit"),
    path("campaigns/<int:pk>/start/", views.campaign_start, name="campaign_start"),
    path("campaigns/<int:pk>/end/", views.campaign_end, name="campaign_end"),
    path("campaigns/<int:pk>/delete/", views.campaign_delete, name="campaign_delete"),
]
