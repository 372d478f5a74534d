"""Pictures of a run: how many times better the first stack is, and how cost grows with size, peers, subscriptions and depth."""

import itertools

# Distinct in grey print and for colour-blind readers.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9")
MARKS = ("o", "s", "^", "D", "v")


def _pyplot():
    try:
        import matplotlib
    except ImportError:
        raise SystemExit("plots need matplotlib: pip install matplotlib") from None
    matplotlib.use("Agg")
    matplotlib.rcParams.update({"svg.fonttype": "none", "font.size": 10, "font.family": "sans-serif"})
    import matplotlib.pyplot as plt

    return plt


def ratios(result, path):
    plt = _pyplot()
    cases = [case for case in result["cases"] if case["ratios"] and not case["series"] and "/" in case["name"]]
    cases = [case for case in cases if not case["name"].startswith("batch/")]
    if not cases:
        raise SystemExit("nothing to plot: no case has two stacks that finished it")
    others = list(dict.fromkeys(other for case in cases for other in case["ratios"] if not other.startswith("raw")))
    mine = cases[0]["first"]
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.27 * len(cases) * max(1, len(others) * 0.75)))
    height = 0.8 / max(1, len(others))
    for k, other in enumerate(others):
        for row, case in enumerate(cases):
            pair = case["ratios"].get(other)
            if pair is None:
                continue
            y = row + (k - (len(others) - 1) / 2) * height
            # Bars start at 1: to the right the first stack is better, to the left the other one.
            axes.barh(y, pair["median"] - 1, left=1, height=height * 0.9, color=COLOURS[k % len(COLOURS)],
                      label=other if row == 0 else None)  # fmt: skip
            axes.plot([pair["min"], pair["max"]], [y, y], color="black", linewidth=0.9)
            axes.annotate(f"{pair['median']:.1f}", (max(pair["max"], 1), y), xytext=(4, 0), textcoords="offset points",
                          va="center", fontsize=8)  # fmt: skip
    axes.set_xscale("log")
    ticks = [t for t in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100)]
    axes.set_xticks(ticks, [f"{t:g}x" for t in ticks])
    axes.minorticks_off()
    spans = [pair for case in cases for other, pair in case["ratios"].items() if other in others]
    axes.set_xlim(min(0.45, min(p["min"] for p in spans) * 0.8), max(2.5, max(p["max"] for p in spans) * 1.5))
    axes.axvline(1, color="black", linewidth=1.2)
    axes.set_yticks(range(len(cases)), [case["name"] for case in cases])
    axes.set_ylim(len(cases) - 0.4, -0.6)
    axes.grid(axis="x", alpha=0.3)
    axes.set_axisbelow(True)
    handles = [plt.Rectangle((0, 0), 1, 1, color=COLOURS[k % len(COLOURS)]) for k in range(len(others))]
    axes.legend(handles, [f"against {other}" for other in others], loc="lower right", bbox_to_anchor=(1, 1), ncols=3,
                frameon=False)  # fmt: skip
    axes.set_title(f"{mine}: how many times better", loc="left", fontweight="bold")
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    figure.savefig(path, bbox_inches="tight")
    plt.close(figure)


def scaling(result, path):
    plt = _pyplot()
    cases = [case for case in result["cases"] if case["series"]]
    if not cases:
        raise SystemExit("nothing to plot: no scaling case was run")
    panels = {series: list(group) for series, group in itertools.groupby(cases, key=lambda case: case["series"])}
    labels = list(dict.fromkeys(label for case in cases for label in case["contestants"]))
    figure, grid = plt.subplots((len(panels) + 1) // 2, min(2, len(panels)), figsize=(10, 3.4 * ((len(panels) + 1) // 2)),
                                squeeze=False, layout="constrained")  # fmt: skip
    for axes, (series, group) in zip(grid.flat, panels.items(), strict=False):
        for k, label in enumerate(labels):
            points = [
                (case["x"], case["contestants"][label])
                for case in group
                if "median" in case["contestants"].get(label, {}) and "error" not in case["contestants"][label]
            ]
            if not points:
                continue
            xs = [x for x, _ in points]
            colour = COLOURS[k % len(COLOURS)]
            axes.fill_between(xs, [e["min"] for _, e in points], [e["max"] for _, e in points], color=colour, alpha=0.15)
            axes.plot(xs, [e["median"] for _, e in points], marker=MARKS[k % len(MARKS)], color=colour, label=label,
                      markersize=4)  # fmt: skip
        axes.set_xscale("log")
        if group[0]["name"].startswith("scaling/size/"):
            axes.set_yscale("log")  # from a microsecond to a millisecond; elsewhere a flat line shall look flat
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        else:
            axes.set_ylim(bottom=0)
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        axes.set_xlabel(series)
        axes.set_ylabel("us per message")
        axes.grid(alpha=0.3)
    for axes in list(grid.flat)[len(panels) :]:
        axes.set_visible(False)
    grid.flat[0].legend(frameon=False)
    figure.suptitle("Cost of a message, end to end (lower is better; band: least to greatest of the rounds)", fontsize=11)
    figure.savefig(path)
    plt.close(figure)
