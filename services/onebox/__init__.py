"""All services on one machine over the embedded back-ends; nothing here knows how a service does its work."""
