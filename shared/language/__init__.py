"""The languages that people are told things in, and the catalogues; neither pages nor sections of reports."""
