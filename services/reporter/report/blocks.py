"""What a letter is made of, free of any look: the same blocks become the mail's text, its HTML and the report page.

Strings are plain text; the templates escape them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from services.reporter.report.confusions.grid import Grid
from services.reporter.report.figures import Figures, Picture
from services.reporter.report.limits import Limits
from shared.language.speech import _, ngettext


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """Running text; ``is_quiet`` for remarks that most readers skip."""

    kind: ClassVar[str] = "paragraph"
    text: str
    is_quiet: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Subheading:
    """A title inside a section."""

    kind: ClassVar[str] = "subheading"
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """One share with its interval, drawn as a band on a scale from 0 to 100 %.

    Args:
        share: 0 to 1.
        interval: Low and high.
        shown: The share as text.
        caption: What the band means.
        is_warning: Whether the number is none to be glad of.
    """

    kind: ClassVar[str] = "score"
    share: float
    interval: tuple[float, float]
    shown: str
    caption: str
    is_warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """Something the reader should know before relying on the rest."""

    kind: ClassVar[str] = "notice"
    title: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A table cell that shows a share as a bar beside its text."""

    share: float
    text: str

    def __str__(self) -> str:
        """Return the text alone."""
        return self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows under titles.

    Args:
        titles: Of the columns.
        rows: As many cells each.
        numeric_from: First column that is aligned to the right.
        strong_rows: Positions of rows that stand out.
    """

    kind: ClassVar[str] = "table"
    titles: Sequence[str]
    rows: Sequence[Sequence[str | Bar]]
    numeric_from: int = 1
    strong_rows: Sequence[int] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Terms and what they are."""

    kind: ClassVar[str] = "facts"
    pairs: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Places, such as paths in the archive, each with a remark that may be empty."""

    kind: ClassVar[str] = "listing"
    entries: Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A picture over the whole width; its description is the picture's alternative text."""

    kind: ClassVar[str] = "plot"
    picture: Picture
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Exhibit:
    """One small picture of a gallery with what is to be said about it; ``heat``: the same, where it looked lit up."""

    picture: Picture | None
    title: str
    text: str
    place: str
    heat: Picture | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gallery:
    """Small pictures side by side."""

    kind: ClassVar[str] = "gallery"
    exhibits: Sequence[Exhibit]


@dataclass(frozen=True, slots=True, kw_only=True)
class Code:
    """Lines in a fixed-width face; ``is_small`` where they are long."""

    kind: ClassVar[str] = "code"
    text: str
    is_small: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address with its label."""

    label: str
    url: str
    is_main: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Links:
    """Addresses: the main ones as buttons."""

    kind: ClassVar[str] = "links"
    links: Sequence[Link]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """Confusion matrices side by side, of the page alone; each with a caption that may be empty."""

    kind: ClassVar[str] = "matrix"
    grids: Sequence[tuple[Grid, str]]


@dataclass(frozen=True, slots=True, kw_only=True)
class CellPhotographs:
    """Photographs behind one count of a matrix, on the page alone, shown when the count is chosen.

    Args:
        anchor: Name of their place.
        title: What they are, and were taken for.
        gallery: They themselves.
        matrix: Name of the place of the matrix.
        note: How many are not shown; may be empty.
    """

    kind: ClassVar[str] = "cell"
    anchor: str
    title: str
    gallery: Gallery
    matrix: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fold:
    """What most readers skip, behind a line that opens it; on the page alone."""

    kind: ClassVar[str] = "fold"
    title: str
    blocks: "Sequence[Block]"


Block = (
    Paragraph
    | Subheading
    | Score
    | Notice
    | Table
    | Facts
    | Listing
    | Plot
    | Gallery
    | Code
    | Links
    | Matrix
    | CellPhotographs
    | Fold
)


def anchor_of(title: str) -> str:
    """Return the name of the place of a section, by its title."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in title.lower()).split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """Blocks under a title.

    Args:
        title: Its heading, unique in the letter.
        blocks: What it says.
        is_printed: Whether it belongs to the one page that is printed unless the whole is asked for.
        is_half: Whether it takes half of that page's width there, and of what it says only tables or plots.
    """

    title: str
    blocks: Sequence[Block]
    is_printed: bool = False
    is_half: bool = False

    @property
    def anchor(self) -> str:
        """Name of its place on the page."""
        return anchor_of(self.title)


_NUM_OF_LONG = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The whole letter.

    Args:
        subject: Of the mail, and title of the page.
        title: Its first line.
        lead: What matters most, in a sentence or two.
        opening: Blocks that belong to the title.
        sections: The rest.
        footer: Why the person gets this, and what becomes of their data.
        is_warning: Whether this is nothing to be glad of.
    """

    subject: str
    title: str
    lead: str
    opening: Sequence[Block]
    sections: Sequence[Section]
    footer: Sequence[str]
    is_warning: bool = False

    @property
    def is_long(self) -> bool:
        """Whether it is more than a page, so that it has a table of contents and is printed in part."""
        return len(self.sections) >= _NUM_OF_LONG


def plot_of(figures: Figures, name: str, caption: str) -> list[Block]:
    """Return a picture with its caption, if the report has it; one that could not be drawn is told in words."""
    picture = figures.get(name)
    if picture is None:
        return []
    if picture.is_drawn:
        return [Plot(picture=picture, caption=caption)]
    text = _(
        "A picture is missing here, because drawing it failed; result.json has its numbers. What it would show: {what}",
        what=picture.alt,
    )
    return [Paragraph(text=text, is_quiet=True)]


def folded(title: str, blocks: Sequence[Block], limits: Limits) -> list[Block]:
    """Return blocks behind a line on the page, and nothing in a mail, which cannot fold."""
    return [Fold(title=title, blocks=blocks)] if blocks and limits.has_folds else []


def remainder(total: int, shown: int, counted: Callable[[int], str]) -> list[Block]:
    """Return a line that counts what is not shown, if anything.

    Args:
        total: Of all.
        shown: How many are.
        counted: Says how many are not.
    """
    return [Paragraph(text=counted(total - shown), is_quiet=True)] if total > shown else []


def more_photographs(num: int) -> str:
    """Say how many photographs are not shown; for :func:`remainder`, as those below."""
    return ngettext("… and {count} more photograph.", "… and {count} more photographs.", num)


def more_files(num: int) -> str:
    """Say how many files are not shown."""
    return ngettext("… and {count} more file.", "… and {count} more files.", num)


def more_groups(num: int) -> str:
    """Say how many groups are not shown."""
    return ngettext("… and {count} more group.", "… and {count} more groups.", num)
