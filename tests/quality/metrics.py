"""What a ranking is worth. `ranked`: ids, best first, all different. `wanted`: a list of ids, not empty."""
import numpy as np

RESAMPLES = 1000
SEED = 6


def hit(ranked, wanted, k):
    """1 if one of the first k is wanted, else 0."""
    return float(any(item in wanted for item in ranked[:k]))


def reciprocal_rank(ranked, wanted, k):
    """1 / the place of the first wanted one among the first k; 0 = none is."""
    return next((1 / place for place, item in enumerate(ranked[:k], 1) if item in wanted), 0.0)


def ndcg(ranked, wanted, k):
    """Discounted gain (1 / log2(place + 1)) of the wanted ones among the first k, over that of the best ranking."""
    gains = 1 / np.log2(np.arange(2, k + 2))
    found = np.array([item in wanted for item in ranked[:k]], dtype=bool)
    return float(gains[:len(found)][found].sum() / gains[:min(k, len(set(wanted)))].sum())


def coverage(lists, items_n):
    """The share of the catalogue of items_n that was shown to anybody."""
    return len({item for ranked in lists for item in ranked}) / items_n


def novelty(lists, owners, users_n):
    """How rare what is shown is: the mean of -log2(share of the users who have it) over all that was shown.
    owners: item -> number of users who have it, at least 1."""
    shown = np.array([owners[item] for ranked in lists for item in ranked], dtype=float)
    return float(-np.log2(shown / users_n).mean()) if len(shown) else 0.0


def resample(groups, seed=SEED):
    """groups: what each case belongs to (a user, a session). -> function of the cases' values: their mean in each of
    1,000 samples with replacement of whole groups. Equal groups give equal samples: differences are paired."""
    _, member = np.unique(np.asarray(groups), return_inverse=True)
    counts = np.bincount(member).astype(float)
    drawn = np.random.default_rng(seed).integers(len(counts), size=(RESAMPLES, len(counts)))
    sizes = counts[drawn].sum(axis=1)
    return lambda values: np.bincount(member, weights=values)[drawn].sum(axis=1) / sizes


def interval(means, level=0.95):
    """-> (low, high): the middle `level` of the samples' means."""
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
