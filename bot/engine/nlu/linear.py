"""A linear model over sparse counts: trained by scikit-learn, kept and asked as plain arrays."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class LinearModel:
    """`weights` has a row per feature and a column per label; rows come weighted by rarity (tf-idf)."""

    labels: list[str]
    vocabulary: dict[str, int]
    rarity: Floats
    weights: Floats
    bias: Floats

    def rank(self, features: Sequence[str]) -> list[tuple[str, float]]:
        """Labels with their probabilities, most probable first."""
        scores = self._scores(features)
        chances = np.exp(scores - scores.max())
        chances /= chances.sum()
        return [(self.labels[place], float(chances[place])) for place in np.argsort(-chances)]

    def known(self, features: Sequence[str]) -> float:
        """The share of `features` that training has seen."""
        return sum(feature in self.vocabulary for feature in features) / max(len(features), 1)

    def _scores(self, features: Sequence[str]) -> Floats:
        counts = Counter(place for feature in features if (place := self.vocabulary.get(feature)) is not None)
        if not counts:
            return self.bias
        places = np.fromiter(counts, dtype=np.int64, count=len(counts))
        values = (
            1 + np.log(np.fromiter(counts.values(), dtype=np.float32, count=len(counts)))
        ) * self.rarity[places]
        values /= np.linalg.norm(values)
        scores: Floats = (values @ self.weights[places] + self.bias).astype(np.float32)
        return scores

    def save(self, folder: Path, name: str) -> None:
        np.savez(folder / f"{name}.npz", rarity=self.rarity, weights=self.weights, bias=self.bias)
        words = sorted(self.vocabulary, key=self.vocabulary.__getitem__)
        (folder / f"{name}.json").write_text(
            json.dumps({"labels": self.labels, "words": words}, ensure_ascii=False)
        )

    @classmethod
    def load(cls, folder: Path, name: str) -> "LinearModel":
        told = json.loads((folder / f"{name}.json").read_text())
        with np.load(folder / f"{name}.npz", allow_pickle=False) as arrays:
            return cls(
                labels=told["labels"],
                vocabulary={word: place for place, word in enumerate(told["words"])},
                rarity=arrays["rarity"],
                weights=arrays["weights"],
                bias=arrays["bias"],
            )


def train(
    sentences: Sequence[Sequence[str]], labels: Sequence[str], *, strength: float, seen: int
) -> LinearModel:
    """Logistic regression over tf-idf; `strength` is the inverse of the regularisation.

    Features that fewer than `seen` sentences have are left out.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    vectorizer = TfidfVectorizer(analyzer=list, sublinear_tf=True, min_df=seen, dtype=np.float32)
    matrix = vectorizer.fit_transform(sentences)
    model = LogisticRegression(C=strength, max_iter=1000, tol=1e-4)  # looser, a new example changes others
    model.fit(matrix, list(labels))
    return LinearModel(
        labels=[str(label) for label in model.classes_],
        vocabulary={word: int(place) for word, place in vectorizer.vocabulary_.items()},
        rarity=vectorizer.idf_.astype(np.float32),
        weights=np.ascontiguousarray(model.coef_.T, dtype=np.float32),
        bias=model.intercept_.astype(np.float32),
    )
