"""The models of the expert studies: one list."""

from dataclasses import dataclass
from pathlib import Path

MODELS_FOLDER = Path(__file__).resolve().parents[2] / "models"


@dataclass(frozen=True)
class Model:
    name: str
    kind: str             # "monet", "peer" or "top-k"
    tokens: dict          # read of a document: of texts, of code, for labels
    trained: dict = None  # what it knows of the corpus, in words; None: one of those trained alike, which have a row each
    folder: str = ""      # among the models that ship, where it is not the name
    path = property(lambda self: str(MODELS_FOLDER / self.folder) if self.folder else self.name)
    alike = property(lambda self: self.trained is None)


def alike(name, kind):
    return Model(name, kind, {"text": 256, "code": 256, "labels": 128}, folder=f"five-layers/{name}")


MODELS = [
    Model("monet-small", "monet", {"text": 1024, "code": 256, "labels": 400},
          {"text": "The texts that are measured were held out of its training.",
           "code": "The files that are measured were held out of its training."}),
    Model("olmoe-small", "top-k", {"text": 256, "code": 256, "labels": 128},
          {"text": "It was trained on most of these texts, also of those that are measured (its held-out ones are others).",
           "code": "It has read no code in training."}),
    alike("smoe", "top-k"), alike("peer", "peer"), alike("monet_hd", "monet"), alike("monet_vd", "monet"),
]
