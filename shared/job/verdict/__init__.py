"""The rule by which a result is judged: its numbers in, a verdict out; nothing is measured or drawn here."""
