"""How a proxy process is set up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.utils.crypto import salted_hmac

from outbox.transports.webhook.targets import Network


@dataclass(frozen=True, slots=True)
class Options:
    """Times are seconds, sizes bytes. docs/administrators.md explains each by the name of its setting."""

    host: str = "127.0.0.1"
    port: int = 9000
    processes: int = 1
    upstream_networks: Sequence[Network] = ()
    upstream_ca: Path | None = None
    trusted_networks: Sequence[Network] = ()
    metrics_networks: Sequence[Network] = ()
    certificate: Path | None = None
    key: Path | None = None
    client_ca: Path | None = None
    client_required: bool = False
    client_header: str = "Client-Cert"
    max_frame: int = 1024 * 1024
    max_connections: int = 15_000
    dead_after_s: int = 120
    drain_s: float = 5.0
    moves_per_s: int = 50
    # Under this name the proxy stands in `Via`: all processes of an installation have the same.
    mark: str = "signalbox"

    @classmethod
    def from_settings(cls, host: str | None = None, port: int | None = None) -> Options:
        def path(name: str) -> Path | None:
            return Path(name) if name else None

        return cls(
            host=host or settings.OCPP_HOST,
            port=settings.OCPP_PORT if port is None else port,
            processes=settings.OCPP_PROXY_PROCESSES,
            upstream_networks=tuple(settings.OCPP_UPSTREAM_NETWORKS),
            upstream_ca=path(settings.OCPP_UPSTREAM_CA),
            trusted_networks=tuple(settings.OCPP_TRUSTED_NETWORKS),
            metrics_networks=tuple(settings.METRICS_NETWORKS),
            certificate=path(settings.OCPP_TLS_CERTIFICATE),
            key=path(settings.OCPP_TLS_KEY),
            client_ca=path(settings.OCPP_TLS_CLIENT_CA),
            client_required=settings.OCPP_TLS_CLIENT_REQUIRED,
            client_header=settings.OCPP_TLS_CLIENT_HEADER,
            max_frame=settings.OCPP_PROXY_MAX_FRAME_BYTES,
            max_connections=settings.OCPP_PROXY_MAX_CONNECTIONS,
            dead_after_s=settings.OCPP_PROXY_DEAD_AFTER_S,
            drain_s=settings.OCPP_PROXY_DRAIN_S,
            moves_per_s=settings.OCPP_PROXY_MOVES_PER_S,
            mark="signalbox-" + salted_hmac("ocpp proxy", "via").hexdigest()[:16],
        )
