"""Everything that shapes a run, kept beside its checkpoint so that it is carried on with what it was begun with."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from tools.pretrain.durable import write_whole
from tools.pretrain.objective import ObjectiveRecipe
from tools.pretrain.training import TrainingRecipe
from tools.pretrain.view import ViewRecipe

RECIPE_FILE = "recipe.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One run.

    Attributes:
        seed: Of the split, the random start and every batch.
        quarter_teacher: File with ImageNet weights of MobileNet of a quarter width; None does without.
        second_teacher: File with ImageNet weights of MobileNetV2; None does without.
        second_share: Part of each batch that is put to the second teacher, 0 to 1.
        views: How views are drawn.
        objective: What the student is asked for.
        training: How the weights are moved.
    """

    seed: int = 0
    quarter_teacher: Path | None = None
    second_teacher: Path | None = None
    second_share: float = 0.25
    views: ViewRecipe = field(default_factory=ViewRecipe)
    objective: ObjectiveRecipe = field(default_factory=ObjectiveRecipe)
    training: TrainingRecipe = field(default_factory=TrainingRecipe)

    def to_json(self) -> dict[str, Any]:
        """Return plain values; of the teachers only the names of their files, which may lie elsewhere next time."""
        plain = asdict(self)
        for name in ("quarter_teacher", "second_teacher"):
            plain[name] = plain[name] and plain[name].name
        return plain

    @classmethod
    def from_json(cls, plain: dict[str, Any], *, teachers: Path | None) -> Self:
        """Read what `to_json` wrote; files of teachers are looked for in the folder `teachers`.

        Raises:
            ValueError: The run has teachers and their folder is not given.
        """
        files = {name: plain[name] for name in ("quarter_teacher", "second_teacher")}
        if teachers is None and any(files.values()):
            raise ValueError(f"this run was begun with {', '.join(filter(None, files.values()))}: name their folder")
        return cls(
            seed=plain["seed"],
            second_share=plain["second_share"],
            views=ViewRecipe(**plain["views"]),
            objective=ObjectiveRecipe(**plain["objective"]),
            training=TrainingRecipe(**plain["training"]),
            **{name: teachers / file if teachers and file else None for name, file in files.items()},
        )


def keep_recipe(folder: Path, recipe: Recipe) -> None:
    """Write `recipe` beside the checkpoint."""
    text = json.dumps(recipe.to_json(), indent=1)
    write_whole(folder / RECIPE_FILE, lambda file: file.write(text.encode()))


def kept_recipe(folder: Path, *, teachers: Path | None) -> Recipe | None:
    """Read the recipe of the run in `folder`; None when none was begun."""
    path = folder / RECIPE_FILE
    if not path.exists():
        return None
    return Recipe.from_json(json.loads(path.read_text(encoding="utf-8")), teachers=teachers)
