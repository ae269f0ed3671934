"""What a translator has to beat: a copy of the source, the most frequent target, the target of the nearest source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

Pair = tuple[str, str]


def translation_baselines(train: Sequence[Pair], sources: Sequence[str]) -> dict[str, list[str]]:
    """Returns, by name, what three rules answer to `sources`, knowing the training pairs."""
    frequent = Counter(target for _, target in train).most_common(1)[0][0]
    return {
        "copy of the source": [source.rpartition("\n")[2] for source in sources],
        "most frequent target": [frequent] * len(sources),
        "nearest training source": nearest(train, sources),
    }


def nearest(train: Sequence[Pair], sources: Sequence[str], order: int = 3) -> list[str]:
    """Returns the targets of the training sources that share most with each source.

    Sources are bags of character n-grams, weighed by how rare they are (tf-idf), compared by cosine; the first of
    equals counts.

    Args:
        train: source and target.
        sources: what to answer.
        order: n, up to which n-grams count.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer

    weigh = TfidfVectorizer(analyzer="char_wb", ngram_range=(1, order), lowercase=False)
    known = weigh.fit_transform([source for source, _ in train])
    answers: list[str] = []
    for start in range(0, len(sources), 200):  # a dense block of 200 × N is all that is ever held
        like = weigh.transform(sources[start : start + 200]) @ known.T
        answers += [train[int(best)][1] for best in like.toarray().argmax(axis=1)]
    return answers
