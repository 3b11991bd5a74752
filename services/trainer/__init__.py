"""Turns a prepared archive into a fitted network: prepare, screen, tune, evaluate, export."""
