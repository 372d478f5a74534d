"""Tables of a run: plain text for the terminal, Markdown for a README."""

import math
import textwrap
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"


def number(value):
    """Three significant digits, thousands as k, M and G."""
    if value is None:
        return "-"
    value = float(f"{value:.3g}")
    for factor, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if abs(value) >= factor:
            return _three(value / factor) + suffix
    return _three(value)


def _three(value):
    digits = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:.{min(max(0, digits), 4)}f}"


def spread(pair):
    if len(pair["rounds"]) == 1:
        return _times(pair["median"]) + "x"
    return f"{_times(pair['median'])}x [{_times(pair['min'])}..{_times(pair['max'])}]"


def _times(value):
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def labels_of(cases):
    """Contestants that stand in columns: those of the cases that compare stacks."""
    seen = {}
    for case in cases:
        if not case["name"].startswith("batch/"):
            seen |= dict.fromkeys(case["contestants"])
    return list(seen)


def rows(result):
    cases = result["cases"]
    labels = labels_of(cases)
    head = ["case", "unit", *labels, *(f"{labels[0]} / {other}" for other in labels[1:])] if labels else ["case", "unit"]
    body = []
    for case in cases:
        if case["name"].startswith("batch/"):
            continue
        row = [case["name"], case["unit"]]
        for label in labels:
            entry = case["contestants"].get(label)
            row.append("" if entry is None else "error" if "error" in entry else number(entry.get("median")))
        for other in labels[1:]:
            pair = case["ratios"].get(other)
            row.append(spread(pair) if pair else "")
        body.append(row)
    return head, body


def batch_lines(result):
    for case in result["cases"]:
        if case["name"].startswith("batch/"):
            cells = [f"{label}: {entry['error'] if 'error' in entry else number(entry.get('median'))}" for label, entry in case["contestants"].items()]
            gain = [spread(pair) for pair in case["ratios"].values()]
            yield f"{case['name']} ({case['unit']}): {', '.join(cells)}" + (f"; gain {gain[0]}" if gain else "")


def error_lines(result):
    for case in result["cases"]:
        for label, entry in case["contestants"].items():
            if "error" in entry:
                yield f"{case['name']}, {label}: {entry['error']}"
            for note in entry.get("notes", ()):
                yield f"{case['name']}, {label}: {note}"


def headline(result):
    machine, options = result["machine"], result["options"]
    stacks = ", ".join(f"{label} {about['version']}" for label, about in result["stacks"].items())
    return (
        f"{stacks}; {machine['python']}, {machine['kernel']} {machine['arch']}, {machine['cores']} cores of {machine['cpu']}; "
        f"median of {options['rounds']} rounds of {options['seconds']:g} s, ratios with least and greatest of the rounds; "
        f"above 1 means {next(iter(result['stacks']), '?')} is better; {machine['when']}"
    )


def text(result):
    head, body = rows(result)
    widths = [max(len(line[i]) for line in [head, *body]) for i in range(len(head))]
    lines = [textwrap.fill(headline(result), 120), ""]
    for line in [head, *body]:
        cells = [cell.ljust(w) if i < 2 else cell.rjust(w) for i, (cell, w) in enumerate(zip(line, widths, strict=True))]
        lines.append("  ".join(cells).rstrip())
    lines += ["", *batch_lines(result), *error_lines(result)]
    return "\n".join(lines).rstrip()


def markdown(result):
    head, body = rows(result)
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in body]
    lines += ["", *(f"- {line}" for line in [*batch_lines(result), *error_lines(result)])]
    return "\n".join(lines).rstrip() + f"\n\n<sub>{headline(result)}</sub>"


def rewrite_readme(path, result):
    path = Path(path)
    page = path.read_text(encoding="utf-8")
    if page.count(BEGIN) != 1 or page.count(END) != 1 or page.index(BEGIN) > page.index(END):
        raise SystemExit(f"{path} needs one line {BEGIN} and one line {END} below it")
    before, rest = page.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{markdown(result)}\n{END}{after}", encoding="utf-8")
