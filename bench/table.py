"""Tables of a run: plain text for the terminal, Markdown for the README and docs/performance.md."""

import math
import textwrap
from pathlib import Path

# The block of a page that holds a table: all cases, or those of SHORT.
FULL_BLOCK = ("<!-- bench:begin -->", "<!-- bench:end -->")
SHORT_BLOCK = ("<!-- bench:short:begin -->", "<!-- bench:short:end -->")
SHORT = (
    "push_pull/tcp/16",
    "push_pull/tcp/65536",
    "dealer_router/tcp/window100",
    "pub_sub/tcp/8",
    "round_trip/tcp/16",
    "asyncio/round_trip/256",
    "cpu/tcp/16",
    "idle/memory/100",
)


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


def has_variants(case):
    """Several ways to do the same on zmqcore alone: a line below the table."""
    return all(label.startswith("zmqcore ") for label in case["contestants"])


def labels_of(cases):
    """Contestants that stand in columns: those of the cases that compare stacks."""
    seen = {}
    for case in cases:
        if not has_variants(case):
            seen |= dict.fromkeys(case["contestants"])
    return list(seen)


def rows(result):
    cases = result["cases"]
    labels = labels_of(cases)
    head = ["case", "unit", *labels, *(f"{labels[0]} / {other}" for other in labels[1:])] if labels else ["case", "unit"]
    body = []
    for case in cases:
        if has_variants(case):
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


def variant_lines(result):
    for case in result["cases"]:
        if has_variants(case):
            cells = [f"{label}: {entry['error'] if 'error' in entry else number(entry.get('median'))}" for label, entry in case["contestants"].items()]
            gains = [f"{spread(pair)} of {other}" for other, pair in case["ratios"].items()]
            yield f"{case['name']} ({case['unit']}): {', '.join(cells)}" + (f"; {case['first']} is {', '.join(gains)}" if gains else "")


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
    lines += ["", *variant_lines(result), *error_lines(result)]
    return "\n".join(lines).rstrip()


def markdown_table(result, names=None):
    head, body = rows(result)
    lines = ["| " + " | ".join(head) + " |", "|---|---|" + "---:|" * (len(head) - 2)]
    lines += [
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
        for line in body
        if names is None or line[0] in names
    ]
    return "\n".join(lines)


def markdown(result):
    lines = [markdown_table(result), "", *(f"- {line}" for line in [*variant_lines(result), *error_lines(result)])]
    return "\n".join(lines).rstrip() + f"\n\n<sub>{headline(result)}</sub>"


def rewrite_page(path, result):
    """Replaces the tables between the marks of a page."""
    path = Path(path)
    page = path.read_text(encoding="utf-8")
    found = False
    for (begin, end), content in ((FULL_BLOCK, markdown(result)), (SHORT_BLOCK, markdown_table(result, SHORT))):
        if begin not in page and end not in page:
            continue
        if page.count(begin) != 1 or page.count(end) != 1 or page.index(begin) > page.index(end):
            raise SystemExit(f"{path} needs one line {begin} and one line {end} below it")
        before, rest = page.split(begin)
        page = f"{before}{begin}\n{content}\n{end}{rest.split(end)[1]}"
        found = True
    if not found:
        raise SystemExit(f"{path} has no block between {FULL_BLOCK[0]} and {FULL_BLOCK[1]}")
    path.write_text(page, encoding="utf-8")
