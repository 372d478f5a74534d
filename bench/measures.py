"""From what the processes of a round report to the one number of that round.

`reports` is a list of dicts, one per process: what burst() returned plus "cpu" (seconds); n is the number of messages.
"""


def first(reports, key):
    for report in reports:
        if report.get(key) is not None:
            return report[key]
    raise KeyError(f"no process reported {key}")


def seconds(reports):
    start = min(report["t0"] for report in reports if "t0" in report)
    end = max(report["t1"] for report in reports if "t1" in report)
    return (end - start) / 1e9


def cpu(reports):
    return sum(report["cpu"] for report in reports)


def rate(reports, n):
    return n / seconds(reports)


def each(reports, n):
    return seconds(reports) / n * 1e6


def cpu_per_million(reports, n):
    return cpu(reports) / n * 1e6


def cpu_share(reports, n):
    return cpu(reports) / seconds(reports) * 100


def memory(reports, n):
    return first(reports, "kib")


def p999(reports, n):
    return first(reports, "p999")


def delivery_p99(reports, n):
    waits = sorted(a - s for s, a in zip(first(reports, "sent"), first(reports, "arrived"), strict=True))
    return waits[min(len(waits) - 1, int(len(waits) * 0.99))] / 1e3


# name: (function, unit, more is better)
MEASURES = {
    "rate": (rate, "msg/s", True),
    "each": (each, "us", False),
    "cpu_per_million": (cpu_per_million, "CPU s / 1e6 msg", False),
    "cpu_share": (cpu_share, "% of a core", False),
    "memory": (memory, "KiB / connection", False),
    "p999": (p999, "us p99.9", False),
    "delivery_p99": (delivery_p99, "us p99", False),
}
