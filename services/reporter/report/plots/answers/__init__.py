"""Plots of what answers are worth, a module for each question; nothing is computed here that a result does not say."""
