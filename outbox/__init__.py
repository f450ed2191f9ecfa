"""Events and their delivery: e-mail, signed webhooks, banners; with retries, a log and proof. It knows no domain."""
