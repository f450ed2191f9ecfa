"""Which permission each page asks for. A page that is missing here, or asks for another one, fails a test."""

from __future__ import annotations

from core.people import SEE_PEOPLE
from core.permissions import SIGNED_IN

# By namespace: the permission (of the same app where none is named) and the names of its pages.
PAGES: dict[str, dict[str, str]] = {
    "bikeshare": {
        "block_cyclist": "cyclist_block cyclist_unblock",
        "close_trip": "request_accept request_cancel trip_close",
        "send_sample": "topic_sample",
        "service_vehicule": "vehicule_maintenance vehicule_ready",
        "validate_abonnement": "abonnement_decline abonnement_validate",
        "view_subscription": "abonnement abonnements",
        "view_lockbox": "boitier boitiers",
        "view_cyclist": "cyclist cyclists",
        "view_dock": "dock docks",
        "view_pass": "pass passes",
        "view_program": "topics",
        "view_feedsource": "feeds",
        "change_feedsource": "feed_change feed_read",
        "delete_feedsource": "feed_delete",
        "view_registration": "registration registrations",
        "view_station": "station stations",
        "view_trip": "trip trips",
        "view_bike": "map vehicule vehicules",
        "view_zone": "zone zones zones_geojson",
    },
    "console": {
        "auditlog.view_logentry": "audit",
        "add_apikey": "api_key_create",
        "change_apikey": "api_key_revoke api_key_take_over",
        "view_apikey": "api_keys",
        SIGNED_IN: "account bell dashboard job time_zone undo",
    },
    "fleet_remotes": {
        "add_callback": "callback_new",
        "add_fleetvehicle": "vehicles_import",
        "change_fleetvehicle": "vehicles_read",
        "register_callback": (
            "callback_delete callback_pause callback_register callback_resume callback_rotate callback_update"
        ),
        "send_command": (
            "action_again action_cancel action_look batch_cancel batch_retry draft draft_check draft_discard"
            " draft_schedule schedule_delete schedule_pause schedule_resume schedule_update"
            " unmatched_read_again vehicle_read vehicles_command"
        ),
        "set_wakeup_budget": "vehicle_budget",
        "stop_fleet": "fleet_resume fleet_stop",
        "view_callback": "callback callbacks callbacks_at_vendor",
        "view_callbackmessage": "message messages",
        "send_dangerous_command": "action_approve",
        "view_commandbatch": "batch batches",
        "view_commandschedule": "schedule schedules",
        "view_fleet": "fleets",
        "view_fleetvehicle": "vehicle vehicles",
        "view_remoteaction": "action actions",
        "view_remotenotification": "notifications unmatched",
        "view_wakeupuse": "wakeups",
    },
    "infra_notifications": {
        "acknowledge_incident": "incident_acknowledge incident_note incident_withdraw",
        "add_chargepoint": "import_confirm import_job import_start unknown_adopt",
        "add_eventrule": "unmapped_decide",
        "add_maintenancewindow": "maintenance_new",
        "add_ocpiparty": "ocpi_party_new",
        "change_ocpiparty": (
            "ocpi_party_connect ocpi_party_disable ocpi_party_edit ocpi_party_pull ocpi_party_rotate ocpi_party_token"
            " ocpi_party_unregister"
        ),
        "delete_ocpiparty": "ocpi_party_delete",
        "view_ocpiparty": "ocpi_parties ocpi_party",
        "add_ocpproute": "ocpp_route_new",
        "change_ocpproute": "ocpp_route_edit ocpp_route_move",
        "delete_ocpproute": "ocpp_route_delete",
        "view_ocpproute": "ocpp_route ocpp_route_moved ocpp_route_stations ocpp_routes",
        "add_notificationgroup": (
            "wizard_charge_points wizard_confirm wizard_discard wizard_mark wizard_name wizard_start"
        ),
        "change_maintenancewindow": "maintenance_change maintenance_end",
        "change_notificationgroup": "group_edit group_member_remove group_test wizard_change",
        "close_incident": "incident_close",
        "delete_maintenancewindow": "maintenance_cancel",
        "delete_notificationgroup": "group_delete",
        "view_chargepoint": "charge_point charge_points charge_points_csv unknown",
        "view_eventrule": "rule_try rules unmapped",
        "view_source": "source sources",
        "change_source": "source_pause",
        "view_incident": "incident incidents",
        "view_maintenancewindow": "maintenance maintenance_window",
        "view_notificationgroup": "group group_incidents group_members group_result groups",
        "outbox.view_delivery": "group_deliveries",
    },
    "outbox": {
        "add_topiclist": "topic_list_create",
        "add_webhookendpoint": "webhook_create",
        "change_topiclist": "topic_list_edit topic_list_test",
        "change_webhookendpoint": "webhook_edit webhook_rotate",
        "delete_topiclist": "topic_list_delete",
        "delete_webhookendpoint": "webhook_delete",
        "erase_address": "erase_address subject_report",
        "operate_webhookendpoint": "webhook_pause webhook_resume",
        "retry_delivery": (
            "address_resume dead_letters_retry delivery_cancel delivery_resend delivery_retry webhook_again"
            " webhook_replay"
        ),
        "view_delivery": "dead_letters deliveries delivery topic_list_deliveries webhook_deliveries",
        "view_event": "event event_kinds events",
        SEE_PEOPLE: "delivery_preview",
        "view_topiclist": "topic_list topic_list_check topic_list_untold topic_lists",
        "view_webhookendpoint": "webhook webhook_test webhooks",
    },
    "vehicles": {
        "add_campaign": "campaign_new",
        "add_fact": "fact_new",
        "add_vehiclesource": "source_new",
        "change_vehiclesource": "source_edit",
        "delete_vehiclesource": "source_delete",
        "view_platformmessage": "platform_message platform_messages",
        "view_vehiclesource": "source sources",
        "change_campaign": "campaign_edit",
        "add_addedlanguage": "language_new",
        "change_addedlanguage": "language_edit",
        "delete_addedlanguage": "language_delete",
        "view_addedlanguage": "languages",
        "add_programlook": "look_new",
        "change_programlook": "look_edit",
        "delete_programlook": "look_delete",
        "view_programlook": "looks",
        "change_notificationtext": "type_texts",
        "change_typesetting": "type_edit",
        "delete_campaign": "campaign_delete",
        "run_campaign": "campaign_end campaign_start",
        "view_brake": "brakes",
        "decide_brake": "brake_decide",
        "support_drivernotification": (
            "driver_mute driver_unmute notification_note notification_resend notification_resolve"
        ),
        "send_sample": "type_sample",
        "view_campaign": "campaign campaigns",
        "view_chargingsession": "sessions",
        "view_driver": "driver drivers",
        "view_drivernotification": "notification notifications",
        "view_oemaccount": "accounts",
        "view_typesetting": "catalogue type",
        "view_utilitycontract": "contracts",
        "view_vehicle": "vehicle vehicles",
    },
}
ASKED = {
    f"{app}:{name}": permission if "." in permission or permission == SIGNED_IN else f"{app}.{permission}"
    for app, permissions in PAGES.items()
    for permission, names in permissions.items()
    for name in names.split()
}
