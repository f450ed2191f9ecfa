"""The link to an MQTT broker, in a process of its own: what MaEVe and EVerest publish becomes messages."""
