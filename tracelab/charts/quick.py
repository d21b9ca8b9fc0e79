"""Altair at a speed at which all charts come at once, and a report draws each for every part of the workload.

Altair copies a chart at each level that it is put into, and each copy runs the constructors of all that is in
it once more; it copies each level again for the parameters in it, hashes every class of its schema for each
channel that is given as a string, writes a method's documentation each time the method is called, asks every
number and text whether it has the methods of a chart, and makes each frame anew for its dates. Here a copy is
a copy, parameters are looked for first, the classes are hashed once, nothing is documented, plain values and
frames are taken as they are: the same specs in a tenth of the time (a test holds them to be the same).
"""

from collections import defaultdict
from collections.abc import Iterator, Set
from contextlib import contextmanager
from functools import cache
from typing import Any

from altair.utils import core, data, schemapi
from altair.vegalite.v6 import api
from altair.vegalite.v6.schema import channels


@contextmanager
def quick_altair() -> Iterator[None]:
    """Make charts without what altair repeats, and without its checks of each part."""
    ways = (
        (schemapi, "_deep_copy", _copied),
        (schemapi._FromDict, "__init__", _with_hashed_classes),
        (schemapi._PropertySetter, "__get__", _bound),
        (schemapi, "_todict", _plain),
        (data, "sanitize_narwhals_dataframe", _without_dates),
        (api, "_combine_subchart_params", _without_params),
        (api, "_remove_duplicate_params", _without_duplicates),
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
    """Copy a chart's levels and what they hold; a channel is changed only before it is in a chart."""
    if isinstance(value, schemapi.SchemaBase):
        copy = object.__new__(type(value))
        object.__setattr__(copy, "_args", tuple(_part(part, by_ref) for part in value._args))
        object.__setattr__(copy, "_kwds", _part(value._kwds, by_ref))
        return copy
    return _part(value, by_ref)


def _part(value: Any, by_ref: Set[str]) -> Any:
    kind = type(value)
    if issubclass(kind, _CHANNELS):
        return value
    if kind is dict:
        return {
            name: part if type(part) in _SIMPLE or name in by_ref else _part(part, by_ref)
            for name, part in value.items()
        }
    if kind is list:
        return [_part(part, by_ref) for part in value]
    return _copied(value, by_ref) if isinstance(value, schemapi.SchemaBase) else value


_SIMPLE = {str, int, float, bool, type(None), schemapi.UndefinedType}
_CHANNELS = (channels.FieldChannelMixin, channels.ValueChannelMixin, channels.DatumChannelMixin)


def _with_hashed_classes(maker: Any, _: Any, /) -> None:
    maker.class_dict = _hashed_classes()


@cache
def _hashed_classes() -> dict[int, list[Any]]:
    by_hash: dict[int, list[Any]] = defaultdict(list)
    for kind in schemapi.SchemaBase._default_wrapper_classes():
        if kind._schema is not None:
            by_hash[schemapi._FromDict.hash_schema(kind._schema)].append(kind)
    return by_hash


_as_dict = schemapi._todict
_with_dates = core.sanitize_narwhals_dataframe


def _plain(value: Any, *rest: Any, **more: Any) -> Any:
    return value if type(value) in _PLAIN else _as_dict(value, *rest, **more)


_PLAIN = _SIMPLE - {schemapi.UndefinedType}


def _without_dates(frame: Any) -> Any:
    kinds = frame.to_native().schema.dtypes()
    return _with_dates(frame) if any(kind.is_temporal() for kind in kinds) else frame


_with_params = api._combine_subchart_params
_with_duplicates = api._remove_duplicate_params


def _without_params(params: Any, subcharts: list[Any]) -> Any:
    has_none = params is schemapi.Undefined and not _has_params(subcharts)
    return (params, list(subcharts)) if has_none else _with_params(params, subcharts)


def _without_duplicates(layer: list[Any]) -> list[Any]:
    return _with_duplicates(layer) if _has_params(layer) else list(layer)


def _has_params(subcharts: list[Any]) -> bool:
    return any(part._kwds.get("params") not in (None, schemapi.Undefined) for part in subcharts)


def _bound(setter: Any, chart: Any, kind: Any) -> Any:
    setter.obj, setter.cls = chart, kind
    return setter
