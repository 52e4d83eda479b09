"""Reads what `/metrics` exposes."""

from prometheus_client.parser import text_string_to_metric_families


class Numbers:
    """The samples of one look at `/metrics`. `families`: the metrics that have any."""

    def __init__(self, text: str) -> None:
        found = list(text_string_to_metric_families(text))
        self.families = {family.name for family in found if family.samples}
        self._samples = {
            (sample.name, frozenset(sample.labels.values())): sample.value
            for family in found
            for sample in family.samples
        }

    def of(self, name: str, *labels: str) -> float:
        """The value of one sample by its labels' values, in any order; 0 where there is none."""
        return self._samples.get((name, frozenset(labels)), 0.0)
