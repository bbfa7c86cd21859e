"""Figures and their bounds: the part of the bench that knows nothing of what is measured."""
import dataclasses
import math

BOUNDS = "bench/bounds"


@dataclasses.dataclass
class Bound:
    name: str
    relation: str
    value: float
    unit: str
    meaning: str

    def met(self, figure):
        if figure is None:
            return False
        return figure <= self.value if self.relation == "<=" else figure >= self.value


def read_bounds(path=BOUNDS):
    bounds = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            words = line.split(None, 4)
            if not words or words[0].startswith("#"):
                continue
            if len(words) != 5 or words[1] not in ("<=", ">="):
                raise SystemExit(f"{path}:{number}: expected: figure, <= or >=, bound, unit, meaning")
            bounds.append(Bound(words[0], words[1], float(words[2]), words[3], words[4].strip()))
    return bounds


def geometric_mean(ratios):
    ratios = list(ratios)
    if not ratios or min(ratios) <= 0:
        return None
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def percent(part, whole):
    return 100 * part / whole if whole else None


def shown(value, unit):
    if value is None:
        return "not measured"
    if unit == "x":
        return f"{value:.4f}"
    if value == int(value):
        return f"{int(value):,}"
    return f"{value:,.4f}" if unit == "%" else f"{value:,.1f}"


def table(head, rows):
    """A Markdown table with aligned columns."""
    cells = [head] + [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |" for row in cells]
    lines.insert(1, "| " + " | ".join("-" * width for width in widths) + " |")
    return "\n".join(lines)


def verdicts(figures, bounds):
    """(rows of the table of bounds, how many were missed)."""
    rows, missed = [], 0
    for bound in bounds:
        value = figures.get(bound.name)
        met = bound.met(value)
        missed += not met
        rows.append((bound.meaning, shown(value, bound.unit),
                     f"{bound.relation} {shown(bound.value, bound.unit)} {bound.unit}".replace(" x", ""),
                     "met" if met else "MISSED"))
    return rows, missed
