"""The one deadline of a run: when training ends, when the network is due, when a silent process is killed. Pure.

All three follow from one price: the seconds it takes from now until the best network so far is evaluated, exported and
verified. The price is made of what was measured in this run, and renewed with every measurement; the moments are those
of whatever clock the caller reads.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from services.trainer.run.cost import BUILD_S, GFLOPS_PER_S, OVERHEAD_S

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
"""Seconds of an export that do not grow with the network: layers written, a process that answers."""
NUM_LOADS = 3
"""Times that an export builds the network, or something as dear: once for each format in the verifying process."""
NUM_SCORED = 1000
"""Test images, at most, that verifying scores."""
BYTES_PER_S = 25e6
"""Speed at which a network is written, read back and stored, in two formats."""
TOLD_FRAC = 0.1
"""A price that changed by less than this share is not worth a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast one network goes on this machine.

    Args:
        build_s: Seconds to build it, load its weights and compile a pass.
        image_s: Seconds for one image to go through all of it.
    """

    build_s: float
    image_s: float

    @staticmethod
    def planned(gflops: float) -> "Pace":
        """Return what two cores of a usual machine would do.

        Args:
            gflops: Billions of floating-point operations for one image.
        """
        return Pace(build_s=BUILD_S + gflops / 10, image_s=OVERHEAD_S + gflops / GFLOPS_PER_S)

    def scaled(self, gflops: float, *, measured_gflops: float) -> "Pace":
        """Return the pace to expect of a network of another cost.

        Args:
            gflops: Of that network.
            measured_gflops: Of the one that this pace was measured on.
        """
        factor = gflops / measured_gflops
        return Pace(build_s=self.build_s * max(1.0, factor**0.5), image_s=self.image_s * factor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What is left to do until one network is delivered.

    Args:
        pace: Of the network.
        num_unseen: Held-out images that have to go through all of it.
        num_kept: Held-out images whose activations are kept.
        num_test: Images of the test split; verifying scores up to :data:`NUM_SCORED` of them.
        size_bytes: Of the weights.
        decode_s: Seconds until the held-out images are at hand; 0 where they are.
        is_built: Whether the network stands ready in this process.
    """

    pace: Pace
    num_unseen: int
    num_kept: int
    num_test: int
    size_bytes: float
    decode_s: float = 0.0
    is_built: bool = True

    @property
    def price_s(self) -> float:
        """Seconds from here to the end."""
        build_s = 0.0 if self.is_built else self.pace.build_s
        evaluate_s = self.pace.image_s * (self.num_unseen + TAIL_SHARE * self.num_kept)
        verify_s = NUM_LOADS * self.pace.build_s + self.pace.image_s * min(self.num_test, NUM_SCORED)
        return self.decode_s + build_s + evaluate_s + EXPORT_S + verify_s + self.size_bytes / BYTES_PER_S


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
