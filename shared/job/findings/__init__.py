"""The parts of a result, a module for each question that it answers; facts only, nothing is computed here."""
