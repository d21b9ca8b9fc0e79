"""Altair at a speed at which all charts come at once, and a report draws each for every part of the workload.

Altair copies a chart at each level that it is put into, and each copy runs the constructors of all that is in
it once more; it hashes every class of its schema for each channel that is given as a string, and writes a
method's documentation each time the method is called. Here a copy is a copy, the classes are hashed once and
nothing is documented: the same specs in an eighth of the time (a test holds them to be the same).
"""

from collections import defaultdict
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from typing import Any

from altair.utils import schemapi


@contextmanager
def quick_altair() -> Iterator[None]:
    """Make charts without what altair repeats, and without its checks of each part."""
    ways = (
        (schemapi, "_deep_copy", _copied),
        (schemapi._FromDict, "__init__", _with_hashed_classes),
        (schemapi._PropertySetter, "__get__", _bound),
    )
    usual = [(place, name, getattr(place, name)) for place, name, _ in ways]
    with schemapi.debug_mode(False):
        for place, name, way in ways:
            setattr(place, name, way)
        try:
            yield
        finally:
            for place, name, way in usual:
                setattr(place, name, way)


def _copied(value: Any, by_ref: Set[str]) -> Any:
    if isinstance(value, schemapi.SchemaBase):
        copy = object.__new__(type(value))
        object.__setattr__(copy, "_args", tuple(_copied(part, by_ref) for part in value._args))
        object.__setattr__(copy, "_kwds", _copied(value._kwds, by_ref))
        return copy
    if isinstance(value, dict):
        return {
            name: part if type(part) in _SIMPLE or name in by_ref else _copied(part, by_ref)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [_copied(part, by_ref) for part in value]
    return value


_SIMPLE = {str, int, float, bool, type(None), schemapi.UndefinedType}


def _with_hashed_classes(maker: Any, _: Any, /) -> None:
    maker.class_dict = _hashed_classes()


@cache
def _hashed_classes() -> dict[int, list[Any]]:
    by_hash: dict[int, list[Any]] = defaultdict(list)
    for kind in schemapi.SchemaBase._default_wrapper_classes():
        if kind._schema is not None:
            by_hash[schemapi._FromDict.hash_schema(kind._schema)].append(kind)
    return by_hash


def _bound(setter: Any, chart: Any, kind: Any) -> Any:
    setter.obj, setter.cls = chart, kind
    return setter
