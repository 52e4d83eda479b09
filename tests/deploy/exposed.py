"""What Prometheus can read of Hilferuf: names and labels of streams.metrics, as they are exposed."""

import re
from typing import Any

from prometheus_client.metrics import MetricWrapperBase

from streams import metrics

_SUFFIXES: dict[str, tuple[str, ...]] = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
_ADDED = {"job", "instance", "le"}  # by Prometheus, and by a histogram
_OF_PROMETHEUS: dict[str, set[str]] = {"up": set(), "ALERTS": {"alertname", "alertstate", "severity"}}


def exposed() -> dict[str, set[str]]:
    """Each name with its labels."""
    found: dict[str, set[str]] = dict(_OF_PROMETHEUS)
    for metric in vars(metrics).values():
        if isinstance(metric, MetricWrapperBase):
            inside: Any = metric
            for suffix in _SUFFIXES[inside._type]:
                found[inside._name + suffix] = set(inside._labelnames)
    return found


def unknown_names(expression: str, recorded: set[str]) -> list[str]:
    """Metrics and labels in a PromQL expression that nothing exposes, sorted. recorded: names of recording rules."""
    known = exposed()
    bare = re.sub(r'"[^"]*"', '""', expression)
    names = set(re.findall(r"\b(?:hilferuf[a-z_:]*|up|ALERTS)\b", bare))
    asked = {label for inside in re.findall(r"\{([^}]*)\}", bare) for label in re.findall(r"(\w+)\s*[=!]", inside)}
    asked |= {label for inside in re.findall(r"\b(?:by|on) \(([^)]*)\)", bare) for label in re.findall(r"\w+", inside)}
    labels = _ADDED.union(*(known.get(name, set()) for name in names))
    if names & recorded:
        labels |= asked  # the recording rule itself is checked
    return sorted((names - known.keys() - recorded) | (asked - labels))
