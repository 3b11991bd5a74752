"""What a person asks of the size and the speed of the network that is delivered. Pure."""

from dataclasses import dataclass

from services.trainer.zoo.backbone import Backbone
from shared.job.options import JobOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a person asks of the network that is delivered; whatever does not meet it takes no part.

    Args:
        most_backbones: So many of the best candidates are also tried side by side, at most; 1: none.
        max_parameters: Of the network without its last layer; ``None``: any number.
        max_ms_per_image: Milliseconds that an image may take, in batches, on this machine; ``None``: any number.
    """

    most_backbones: int = 1
    max_parameters: int | None = None
    max_ms_per_image: float | None = None

    @classmethod
    def of(cls, options: JobOptions) -> "Limits":
        """Return what the options of a job say."""
        return cls(
            most_backbones=options.max_backbones,
            max_parameters=options.max_parameters,
            max_ms_per_image=options.max_ms_per_image,
        )

    def objection_to_size(self, backbone: Backbone) -> str | None:
        """Say why a backbone is too large, or ``None``."""
        if self.max_parameters is None or backbone.parameters <= self.max_parameters:
            return None
        return f"it has {backbone.parameters:,} parameters, and max_parameters is {self.max_parameters:,}"

    def objection_to_speed(self, image_s: float, *, views: int = 1) -> str | None:
        """Say why a network is too slow, or ``None``.

        Args:
            image_s: Seconds for an image in one view.
            views: That it looks at.
        """
        found_ms = 1000 * image_s * views
        if self.max_ms_per_image is None or found_ms <= self.max_ms_per_image:
            return None
        return f"it takes {found_ms:.1f} ms for an image, and max_ms_per_image is {self.max_ms_per_image:g}"
