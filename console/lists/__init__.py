"""The list page: Magic Search, filters, chips, columns, sorting, pages, files, saved searches, bulk actions.

A new list declares, it does not program.

    class IncidentList(ListPage):
        key = "incidents"
        title = _("Incidents")
        permission = "infra_notifications.view_incident"
        search = INCIDENT_SEARCH
        filterset = IncidentFilters
        columns = (Column("opened_at", _("Opened"), sort="opened_at"), …)
        bulk = (CLOSE,)

        def rows(self, request): return selectors.incidents()

Its state is its URL: `q`, the filters, `sort`, `columns`, `page`; chips and column heads are links, htmx swaps the
named partial. `?as=suggestions` answers what could be typed next, `?as=csv` (or `xlsx`, `json`) the whole list; a
POST says what to `do`.
"""

from console.lists.actions import BulkAction, BulkForm, BulkRun, register_bulk
from console.lists.columns import Action, Column
from console.lists.links import Chip, query_without
from console.lists.listing import PAGE_SIZE
from console.lists.page import ListPage

__all__ = [
    "PAGE_SIZE",
    "Action",
    "BulkAction",
    "BulkForm",
    "BulkRun",
    "Chip",
    "Column",
    "ListPage",
    "query_without",
    "register_bulk",
]
