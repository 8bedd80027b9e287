"""Feature stores: where the columns of users come from, looked up once for all of a batch."""

from fieldfare.serving.stores.base import Features, FeatureStore, MemoryStore
from fieldfare.serving.stores.cached import CachedStore
from fieldfare.serving.stores.guarded import GuardedStore
from fieldfare.serving.stores.opening import load_features, open_store

__all__ = [
    "CachedStore",
    "FeatureStore",
    "Features",
    "GuardedStore",
    "MemoryStore",
    "load_features",
    "open_store",
]
