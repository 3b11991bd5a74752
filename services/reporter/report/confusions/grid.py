"""A confusion matrix as cells with places and shades: what the page shows as SVG, in the colours of its style sheet."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from services.reporter.report.wording import number, numbered, one_line, short_name, width
from shared.job.result import Result
from shared.language.speech import _
from shared.text.printable import shortened

NUM_SHADES = 6
_LARGE_CELL_PX, _CELL_PX, _SMALL_CELL_PX = 48, 30, 18
_GROUP_CELL_PX = 24
_FEW_CLASSES, _MANY_CLASSES = 5, 25
_LETTER_PX, _SMALL_LETTER_PX = 7.2, 6.1
_LONGEST_NAME, _SHORT_NAME = 24, 3
_GAP_PX, _LEAST_GAP_PX = 8, 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One count.

    Args:
        left_px: Of its upper left corner.
        top_px: Likewise.
        text: The count.
        shade: 1 to :data:`NUM_SHADES`: the larger its share of the row, the darker.
        is_right: Whether it lies on the diagonal.
        told: The same in words.
        anchor: Where its photographs are; empty where they are not shown.
    """

    left_px: float
    top_px: float
    text: str
    shade: int
    is_right: bool
    told: str
    anchor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """A matrix in pixels.

    Args:
        names: Of its rows.
        columns: Of its columns.
        cells: Those that are not zero.
        cell_px: Side of a cell.
        label_px: Room for names at the left.
        below_px: Room for names below.
        is_small: Whether letters are small too.
        is_level: Whether the names of its columns are so short that they stand below them side by side, not turned.
    """

    names: Sequence[str]
    columns: Sequence[str]
    cells: Sequence[Cell]
    cell_px: int
    label_px: int
    below_px: int
    is_small: bool
    is_level: bool

    @property
    def side_px(self) -> int:
        """Of the square that the cells fill."""
        return self.cell_px * len(self.names)


def cell_anchor(actual: int, predicted: int) -> str:
    """Return the name of the place that shows the photographs of one class that were taken for another."""
    return f"cell-{actual + 1}-{predicted + 1}"


def grid_of(result: Result, rows: Sequence[int], shown: Collection[str] = (), *, is_group: bool = False) -> Grid:
    """Return the matrix of some classes.

    Args:
        result: The document.
        rows: Positions of the classes.
        shown: Anchors of cells whose photographs are shown.
        is_group: Whether it is one of several side by side: its columns have numbers only, but for very short names.
    """
    is_small = len(rows) > _MANY_CLASSES
    names = [shortened(one_line(result.classes[row]), _LONGEST_NAME) for row in rows]
    letter_px = _SMALL_LETTER_PX if is_small else _LETTER_PX
    cell_px = _SMALL_CELL_PX if is_small else _LARGE_CELL_PX if len(rows) <= _FEW_CLASSES else _CELL_PX
    columns = names
    if is_group:
        cell_px = _GROUP_CELL_PX
        if max(map(width, names), default=0) > _SHORT_NAME:
            columns = [str(row + 1) for row in rows]
            names = [numbered(name, row + 1) for row, name in zip(rows, names, strict=True)]
    label_px, below_px = (
        round(max(map(width, each), default=0) * letter_px) + 2 * _GAP_PX for each in (names, columns)
    )
    is_level = below_px - 2 * _GAP_PX <= cell_px - _LEAST_GAP_PX
    return Grid(
        names=names,
        columns=columns,
        cells=list(_cells(result, rows, cell_px, shown)),
        cell_px=cell_px,
        label_px=label_px,
        below_px=_CELL_PX if is_level else below_px,
        is_small=is_small,
        is_level=is_level,
    )


def _cells(result: Result, rows: Sequence[int], cell_px: int, shown: Collection[str]) -> Iterator[Cell]:
    matrix = result.test.confusion_matrix
    for top, actual in enumerate(rows):
        total = sum(matrix[actual])
        for left, predicted in enumerate(rows):
            count = matrix[actual][predicted]
            if not count:
                continue
            anchor = cell_anchor(actual, predicted)
            yield Cell(
                left_px=left * cell_px,
                top_px=top * cell_px,
                text=str(count),
                shade=max(1, min(NUM_SHADES, round(count / total * NUM_SHADES + 0.5))),
                is_right=actual == predicted,
                told=_told(result, actual, predicted, count),
                anchor=anchor if anchor in shown else "",
            )


def _told(result: Result, actual: int, predicted: int, count: int) -> str:
    what, some = short_name(result.classes[actual]), number(count)
    among = number(sum(result.test.confusion_matrix[actual]))
    if actual == predicted:
        return _("{what}: {some} of {among} recognised", what=what, some=some, among=among)
    said = short_name(result.classes[predicted])
    return _("{what}: {some} of {among} taken for {said}", what=what, some=some, among=among, said=said)
