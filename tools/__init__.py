"""Programs for those who build convtailor: generated pages, the bundled backbone; nothing that is shipped uses them."""
