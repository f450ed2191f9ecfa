"""The demo's invented sites and stations: its loader registers them, the simulator lets most of them live."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# The route of the OCPP proxy by which they connect, and of whom the ticket system is that hears of their faults.
ROUTE = "demo"
TICKETS = "Tickets of the maintenance company"
TICKETS_PLACEHOLDER = "https://maintenance.example/hooks/signalbox"
CONNECTORS = 2


@dataclass(frozen=True)
class Site:
    location: str
    street: str
    postal_code: str
    city: str
    latitude: float
    longitude: float
    stations: int
    power_kw: float
    # Closed for the winter: nothing is heard of it, and nothing expected.
    is_closed: bool = False


SITES = (
    Site("Parkhaus Süd", "Bahnhofstr. 12", "50667", "Köln", 50.9375, 6.9603, 8, 22),
    # In no group, so that `köln -group:any` finds it.
    Site("Rathaus Kalk", "Hauptstr. 247", "51103", "Köln", 50.9402, 7.0014, 2, 22),
    Site("Rheinufer Nord", "Uferstr. 3", "53113", "Bonn", 50.7374, 7.0982, 4, 11),
    Site("Campingplatz am See", "Seeweg 8", "53179", "Bonn", 50.6612, 7.2021, 2, 11, is_closed=True),
    Site("Autohof Ost", "Am Kreuz 1", "44143", "Dortmund", 51.5136, 7.4653, 4, 150),
    Site("Messe", "Messeplatz 1", "40474", "Düsseldorf", 51.2277, 6.7735, 8, 22),
    Site("Gare centrale", "1 place de la Gare", "67000", "Strasbourg", 48.5734, 7.7521, 6, 22),
    Site("Depot", "Hafenweg 20", "48155", "Münster", 51.9607, 7.6261, 6, 50),
)
MODELS = (("Mennekes", "Amtron 22"), ("Alfen", "Eve Double"), ("ABB", "Terra 54"), ("Compleo", "Duo"))
# Every third speaks OCPP 2.0.1.
PROTOCOLS = ("ocpp1.6", "ocpp1.6", "ocpp2.0.1")


@dataclass(frozen=True)
class SiteStation:
    """One station; `number` counts from 1 over all sites."""

    number: int
    site: Site

    @property
    def identity(self) -> str:
        return f"SBX-{self.number:04d}"

    @property
    def vendor(self) -> str:
        return MODELS[self.number % len(MODELS)][0]

    @property
    def model(self) -> str:
        return MODELS[self.number % len(MODELS)][1]

    @property
    def firmware(self) -> str:
        return f"5.{10 + self.number * 7 % 23}"

    @property
    def protocol(self) -> str:
        return PROTOCOLS[self.number % len(PROTOCOLS)]

    @property
    def is_fast(self) -> bool:
        return self.site.power_kw >= 50

    def evse_id(self, connector: int) -> str:
        return f"DE*SBX*E{self.number:04d}*{connector}"


def stations() -> Iterator[SiteStation]:
    sites = [site for site in SITES for _ in range(site.stations)]
    for number, site in enumerate(sites, 1):
        yield SiteStation(number, site)


def simulated() -> list[SiteStation]:
    """Those that live: of a closed site nothing is heard."""
    return [station for station in stations() if not station.site.is_closed]
