"""A measured figure beside its target, and how it is shown."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One number.

    Args:
        name: What was measured, as a row of the table says it.
        measured: The number.
        unit: Such as ``×``, ``s`` or ``%``.
        at_least: The target, where more is better.
        at_most: The target, where less is better.
        within: The target, where nearer to 0 is better.
        note: Where it comes from: times of both sides, sizes, seeds.
    """

    name: str
    measured: float
    unit: str
    at_least: float | None = None
    at_most: float | None = None
    within: float | None = None
    note: str = ""

    @property
    def reached(self) -> bool | None:
        """Tell whether the target is met; ``None`` without a target."""
        if self.at_least is not None:
            return self.measured >= self.at_least
        if self.at_most is not None:
            return self.measured <= self.at_most
        if self.within is not None:
            return abs(self.measured) <= self.within
        return None

    def row(self) -> str:
        """Return the figure as a row of a Markdown table."""
        target = f"≥ {self.at_least:g}" if self.at_least is not None else ""
        target = f"≤ {self.at_most:g}" if self.at_most is not None else target
        target = f"± {self.within:g}" if self.within is not None else target
        is_reached = {True: "yes", False: "**no**", None: ""}[self.reached]
        return f"| {self.name} | {self.measured:.3g} {self.unit} | {target} | {is_reached} | {self.note} |"


TABLE_HEAD = ("| figure | measured | target | reached | how |", "|---|---|---|---|---|")
