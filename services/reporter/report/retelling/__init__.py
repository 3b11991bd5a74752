"""Tells what others stored in English in the language that is spoken; nothing here is worded for English readers."""
