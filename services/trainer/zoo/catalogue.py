"""The one table of backbones: what each is, what it expects, where it is cut and where its weights come from.

There is a row for every network of ``keras.applications``, with the input size at which its publishers tell its
accuracy. Parameter counts, feature widths, levels, cut points and costs are proven against the networks by tests.
"""

from collections.abc import Mapping
from types import MappingProxyType

from services.trainer.zoo.backbone import Backbone, Preprocessing
from services.trainer.zoo.families.efficientnet import EFFICIENTNETS_B, EFFICIENTNETS_LITE, EFFICIENTNETS_V2
from services.trainer.zoo.families.inception import (
    INCEPTION_RESNET_V2,
    INCEPTION_V3,
    NASNET_LARGE,
    NASNET_MOBILE,
    XCEPTION,
)
from services.trainer.zoo.families.mobilenet import BUNDLED, MOBILENETS, MOBILENETS_V2, TINY
from services.trainer.zoo.families.mobilenet_v3 import MOBILENETS_V3
from services.trainer.zoo.families.residual import CONVNEXTS, DENSENETS, RESNETS, RESNETS_V2
from services.trainer.zoo.families.vgg import VGGS

__all__ = ["BACKBONES", "BUNDLED", "Backbone", "Preprocessing"]

_ROWS = (
    TINY,
    *MOBILENETS,
    *MOBILENETS_V2,
    *MOBILENETS_V3,
    *EFFICIENTNETS_LITE,
    *EFFICIENTNETS_B,
    *EFFICIENTNETS_V2,
    *VGGS,
    INCEPTION_V3,
    INCEPTION_RESNET_V2,
    XCEPTION,
    *RESNETS,
    *RESNETS_V2,
    *DENSENETS,
    *CONVNEXTS,
    NASNET_MOBILE,
    NASNET_LARGE,
)
BACKBONES: Mapping[str, Backbone] = MappingProxyType({row.name: row for row in _ROWS})
"""Every row by name, in the order of :data:`shared.job.candidates.CANDIDATE_NAMES`."""
