"""The shared interface: shell, lists, Magic Search, API keys, audit, health. It knows no domain and no outbox."""
