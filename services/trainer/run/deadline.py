"""The one deadline of a run: when training ends, when the network is due, when a silent process is killed. Pure.

All three follow from one price: the seconds it takes from now until the best network so far is evaluated, exported and
verified. The price is made of what was measured in this run, and renewed with every measurement; the moments are those
of whatever clock the caller reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from shared.layout import OTHER_FORMATS

LATE_S = 60.0
"""Once a candidate is finished, the job ends at most this many seconds after its budget."""
MARGIN = 1.5
"""A delivery may take so many times its price and is still in time: prices are measured, other load is not."""
RESERVE_FRAC = 0.25
"""Share of the budget, at most, that is kept for a delivery; a dearer one ends in the minute after the budget."""
PATIENCE = 3.0
"""A process that takes so many times the price of a delivery, and :data:`LATE_S` more, is taken for hung."""
UNMEASURED_S = 20.0
"""Price of a delivery while nothing is known of the networks; there is then no network to lose either."""

TAIL_SHARE = 0.4
"""Cost of an image whose activations are kept, at most, as a share of one that goes through the whole network."""
EXPORT_S = 6.0
"""Seconds of an export that do not grow with the network: layers written, a process that answers, where the network
looks, what its answers are worth, the zip."""
NUM_LOADS = 3
"""Times that an export builds the network, or something as dear: two files are opened and traced, which takes two to
three times as long as building it once did (``python -m benchmarks delivery-price``)."""
NUM_KEPT = 16
"""Test images that every exported file is verified on, at most: enough to show any difference."""
NUM_SCORED = 1000
"""Test images, at most, that verifying scores."""
SCORING_S = 45.0
"""Seconds, at most, that verifying scores them; at most half of what is left until the network is due."""
HURRIED_SCORING_S = 10.0
"""The same where training was cut short."""
FORMATS_S = 60.0
"""Seconds, at most, that other formats may take to be written and tried; at most half of what is left."""
HURRIED_FORMATS_S = 10.0
"""The same where somebody waits."""
FORMAT_S = 1.0
"""Seconds to write a format and to open it in what tries it, without what grows with the network; measured likewise."""
FORMAT_BYTES_PER_S = 50e6
"""Speed at which a format is written, read and stored, for each byte of the network."""
BYTES_PER_S = 25e6
"""Speed at which a network is written, read back and stored, in two formats."""
FETCH_BYTES_PER_S = 20e6
"""Speed at which an archive is fetched, at least."""
HELD_OUT_FRAC = 0.3
DECODE_S = 0.05
"""Seconds to decode one large photograph, at most."""
MIXED_GAIN = 4.0
"""A pass in mixed precision is at most so many times as fast as one in float32."""
TOLD_FRAC = 0.1
"""A price that changed by less than this share is not worth a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one network goes on this machine.

    Args:
        build_s: Seconds to build it, load its weights and compile a pass.
        image_s: Seconds for one image to go through all of it.
        exact_factor: Times that it takes longer in float32, where it was measured in mixed precision.
    """

    build_s: float
    image_s: float
    exact_factor: float = 1.0

    def scaled(self, gflops: float, *, measured_gflops: float) -> "Pace":
        """Return the pace to expect of a network of another cost.

        Args:
            gflops: Of that network.
            measured_gflops: Of the one that this pace was measured on.
        """
        factor = gflops / measured_gflops
        return replace(self, build_s=self.build_s * max(1.0, factor**0.5), image_s=self.image_s * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is left to do until one network is delivered.

    Args:
        pace: Of the network.
        num_validation: Images of the validation split.
        num_test: Images of the test split.
        size_bytes: Of the weights.
        is_built: Whether the network stands ready in this process.
        keeps_activations: Whether those of the validation split are kept, so that they go through the tail only.
        decode_s: Seconds until the held-out images are at hand; 0 where they are.
        num_formats: In so many it is wanted beside Keras's own.
    """

    pace: Pace
    num_validation: int
    num_test: int
    size_bytes: float
    is_built: bool = True
    keeps_activations: bool = True
    decode_s: float = 0.0
    num_formats: int = len(OTHER_FORMATS)

    @property
    def price_s(self) -> float:
        """Seconds from here to the end."""
        pace = self.pace
        image_s = pace.image_s * pace.exact_factor
        is_compiled = self.is_built and pace.exact_factor == 1.0
        num_passes = self.num_test + self.num_validation * (TAIL_SHARE if self.keeps_activations else 1.0)
        evaluate_s = image_s * num_passes + (0.0 if is_compiled else pace.build_s)
        verify_s = NUM_LOADS * pace.build_s + image_s * 2 * min(self.num_test, NUM_KEPT)
        verify_s += min(SCORING_S, image_s * min(self.num_test, NUM_SCORED))
        format_s = FORMAT_S + self.size_bytes / FORMAT_BYTES_PER_S + image_s * min(self.num_test, NUM_SCORED)
        formats_s = min(FORMATS_S, self.num_formats * format_s)
        return self.decode_s + evaluate_s + EXPORT_S + verify_s + formats_s + self.size_bytes / BYTES_PER_S


def resumed_price_s(archive_bytes: int, num_images: int) -> float:
    """Return the price of delivering what earlier attempts left, before anything of it is known.

    Args:
        archive_bytes: Size of the archive, which has to be fetched anew.
        num_images: In the archive.
    """
    return UNMEASURED_S + archive_bytes / FETCH_BYTES_PER_S + HELD_OUT_FRAC * num_images * DECODE_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadline:
    """The moments that one attempt at a job has to keep.

    Args:
        started: Moment at which the attempt began, in seconds.
        seconds_left: What was left of the budget then, 0 or more.
        delivery_s: Price of delivering the best network so far.
    """

    started: float
    seconds_left: float
    delivery_s: float = UNMEASURED_S

    @classmethod
    def of_budget(cls, budget_minutes: float, *, spent_s: float, started: float) -> "Deadline":
        """Return the deadline of an attempt.

        Args:
            budget_minutes: Of the job.
            spent_s: What earlier attempts spent of it, in seconds.
            started: When this one began.
        """
        return cls(started=started, seconds_left=max(0.0, 60 * budget_minutes - spent_s))

    @property
    def budget_end(self) -> float:
        """Moment at which the budget is spent."""
        return self.started + self.seconds_left

    @property
    def train_until(self) -> float:
        """Moment at which training gives way to the delivery.

        As far as a quarter of the budget goes, the delivery ends within the budget; and even where it takes
        :data:`MARGIN` times its price, it ends by :attr:`deliver_until`.
        """
        reserve_s = min(self.delivery_s, RESERVE_FRAC * self.seconds_left)
        return min(self.budget_end - reserve_s, self.deliver_until - MARGIN * self.delivery_s)

    @property
    def deliver_until(self) -> float:
        """Moment by which the network is delivered."""
        return self.budget_end + LATE_S

    def kill_at(self, told_at: float) -> float:
        """Return the moment from which a process that was told to stop is taken for hung.

        Args:
            told_at: When it was told.
        """
        return told_at + LATE_S + PATIENCE * self.delivery_s

    def at_price(self, delivery_s: float) -> "Deadline":
        """Return the same deadline, were a network of another price to be delivered."""
        return replace(self, delivery_s=delivery_s)


@dataclass(slots=True, kw_only=True)
class Countdown:
    """A deadline under a clock, whose price changes as measurements come.

    Args:
        deadline: With the price as it is known at first.
        monotonic: Seconds on the clock of ``deadline.started``.
        tell: Takes every new price that differs by more than a little from the one told last.
    """

    deadline: Deadline
    monotonic: Callable[[], float]
    tell: Callable[[float], None] = lambda _: None
    _told_s: float | None = None
    _is_over: bool = False

    @property
    def is_over(self) -> bool:
        """Whether training has to end; once it has, a price that falls changes nothing."""
        self._is_over = self._is_over or self.seconds_left() <= 0
        return self._is_over

    def scoring_s(self, *, is_hurried: bool) -> float:
        """Return the seconds that the delivered file may take to score test images as they were uploaded.

        Args:
            is_hurried: Whether training was cut short, so that somebody waits.
        """
        left_s = self.deadline.deliver_until - self.monotonic()
        return max(0.0, min(HURRIED_SCORING_S if is_hurried else SCORING_S, left_s / 2))

    def formats_s(self, *, is_hurried: bool) -> float:
        """Return the seconds that other formats of the network may take, once it is delivered.

        Args:
            is_hurried: Whether somebody waits: a person who cancelled, a machine that is taken away.
        """
        left_s = self.deadline.deliver_until - self.monotonic()
        return max(0.0, min(HURRIED_FORMATS_S if is_hurried else FORMATS_S, left_s / 2))

    def seconds_left(self, delivery_s: float | None = None) -> float:
        """Return the seconds that training may still go on; negative once it is over.

        Args:
            delivery_s: Price of the network that is to be delivered; default: the best so far.
        """
        deadline = self.deadline if delivery_s is None else self.deadline.at_price(delivery_s)
        return deadline.train_until - self.monotonic()

    def reprice(self, delivery_s: float) -> None:
        """Take in what delivering the best network so far costs from here on."""
        self.deadline = self.deadline.at_price(delivery_s)
        told_s = self._told_s
        if told_s is None or abs(delivery_s - told_s) > TOLD_FRAC * told_s:
            self._told_s = delivery_s
            self.tell(delivery_s)
