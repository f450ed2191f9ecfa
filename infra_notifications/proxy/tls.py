"""TLS on both sides: what stations see, read anew when its files change, and what a CSMS is judged by."""

from __future__ import annotations

import ssl
from asyncio import sslproto
from pathlib import Path

from infra_notifications.proxy.options import Options

# asyncio gives each TLS connection a read buffer of 256 KiB and fills it with zeros, which is real memory: 280 KiB a
# station (two sockets), 41 with this. Nothing is lost: a TLS record holds 16 KiB at the most.
sslproto.SSLProtocol.max_size = 16 * 1024


def station_context(options: Options) -> ssl.SSLContext | None:
    """What stations are answered with; None without a certificate. Raises OSError, which ssl.SSLError is one of."""
    if options.certificate is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(options.certificate, options.key)
    context.set_alpn_protocols(["http/1.1"])
    if options.client_ca is not None:
        context.load_verify_locations(options.client_ca)
        context.verify_mode = ssl.CERT_REQUIRED if options.client_required else ssl.CERT_OPTIONAL
    return context


def upstream_context(options: Options) -> ssl.SSLContext:
    """What a CSMS behind wss:// is judged by: the system's authorities, or those in the file that is named."""
    context = ssl.create_default_context(cafile=options.upstream_ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    return context


def fingerprint(options: Options) -> tuple[tuple[str, int, int, int], ...]:
    """Tells the files of this state from those of another: by inode, size and time. Files that are gone have none."""
    stamps = []
    for path in (options.certificate, options.key, options.client_ca):
        stamps += _stamp(path)
    return tuple(stamps)


def _stamp(path: Path | None) -> list[tuple[str, int, int, int]]:
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return []
    return [(str(path), found.st_ino, found.st_size, found.st_mtime_ns)] if found is not None else []
