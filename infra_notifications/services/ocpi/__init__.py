"""OCPI: parties and their handshake, what they push, and what is fetched from them."""
