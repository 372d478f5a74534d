"""What a run has found: medians, spreads, ratios, and the machine it was found on. Plain dicts, so that JSON holds all of it.

Rules
  - A ratio is taken within one round, between the first stack and another; its median, least and greatest are shown.
  - A ratio above 1 always means that the first stack is better, whatever the unit.
"""

import datetime
import os
import platform
import statistics
from pathlib import Path

from .measures import MEASURES

SCHEMA = 1


def machine():
    return {
        "when": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "kernel": f"{platform.system()} {platform.release()}",
        "arch": platform.machine(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "load_before": round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None,
    }


def _cpu_model():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or "?"


def ratio(values, others, more_is_better):
    pairs = [(mine / other if more_is_better else other / mine) for mine, other in zip(values, others, strict=False) if mine > 0 and other > 0]
    if not pairs:
        return None
    return {"median": statistics.median(pairs), "min": min(pairs), "max": max(pairs), "rounds": pairs}


def case_result(case, field):
    _, unit, more_is_better = MEASURES[case.measure]
    found = {}
    for contestant in field:
        entry = {"rounds": contestant.values, "cpu_seconds": contestant.cpu, "messages": contestant.n}
        if contestant.values:
            entry |= {
                "median": statistics.median(contestant.values),
                "min": min(contestant.values),
                "max": max(contestant.values),
            }
        if contestant.error:
            entry["error"] = contestant.error
        if contestant.notes:
            entry["notes"] = sorted(contestant.notes)
        found[contestant.label] = entry
    ratios = {}
    if len(field) > 1:
        mine = field[0]
        for other in field[1:]:
            if not mine.error and not other.error:
                pair = ratio(mine.values, other.values, more_is_better)
                if pair:
                    ratios[other.label] = pair
    return {
        "name": case.name,
        "unit": unit,
        "more_is_better": more_is_better,
        "series": case.series,
        "x": case.x,
        "contestants": found,
        "first": field[0].label if field else None,
        "ratios": ratios,
    }
