"""Draw the pictures of docs/guide/keras.md: python docs/draw_keras.py."""

from __future__ import annotations

from html import escape
from pathlib import Path

FOLDER = Path(__file__).parent / "guide"
WIDTH, HEIGHT, STEP = 230, 44, 84
# Per picture: boxes as (column, row, title, shape), arrows as pairs of boxes.
DENSE = (
    [
        (1, 0, "samples x", "(batch, n)"),
        (0, 1, "linear: x w", "(batch, units)"),
        (1, 1, "sums: S = x V", "(batch, units, k)"),
        (2, 1, "squares: x² V²", "(batch, units)"),
        (1, 2, "w0 + x w + ½ (Σ S² − x² V²)", "(batch, units)"),
        (1, 3, "activation", "(batch, units)"),
    ],
    [(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4), (4, 5)],
)
FIELDS = (
    [
        (0, 0, "ids", "(batch, entries), padded with −1"),
        (1, 0, "values", "(batch, entries)"),
        (2, 0, "fields, if used", "(batch, entries)"),
        (0, 1, "look-up: w and v of each id", "(batch, entries, units, k)"),
        (1, 2, "times values", "(batch, entries, units, k)"),
        (2, 2, "sums by field", "(batch, units, fields, k)"),
        (1, 3, "w0 + linear + interactions", "(batch, units)"),
        (1, 4, "activation", "(batch, units)"),
    ],
    [(0, 3), (3, 4), (1, 4), (4, 5), (2, 5), (4, 6), (5, 6), (6, 7)],
)


def draw(boxes: list[tuple[int, int, str, str]], arrows: list[tuple[int, int]]) -> str:
    """Return a picture as SVG."""
    place = [(10 + c * (WIDTH + 25), 10 + r * STEP) for c, r, _, _ in boxes]
    width = max(x for x, _ in place) + WIDTH + 10
    height = max(y for _, y in place) + HEIGHT + 10
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="13" text-anchor="middle">',
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" '
        'markerHeight="8" orient="auto"><path d="M0,0 L8,4 L0,8 z" fill="#555"/></marker></defs>',
        f'<rect width="{width}" height="{height}" fill="#fff"/>',
    ]
    for a, b in arrows:
        (xa, ya), (xb, yb) = place[a], place[b]
        if ya == yb:
            ends = f'x1="{xa + WIDTH}" y1="{ya + HEIGHT / 2}" x2="{xb}" y2="{yb + HEIGHT / 2}"'
        else:
            middle = WIDTH / 2
            ends = f'x1="{xa + middle}" y1="{ya + HEIGHT}" x2="{xb + middle}" y2="{yb}"'
        lines.append(f'<line {ends} stroke="#555" marker-end="url(#tip)"/>')
    for (x, y), (_, _, title, shape) in zip(place, boxes, strict=True):
        middle = x + WIDTH / 2
        lines += [
            f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6" fill="#eef3fb" '
            'stroke="#4a6fa5"/>',
            f'<text x="{middle}" y="{y + 19}">{escape(title)}</text>',
            f'<text x="{middle}" y="{y + 36}" font-size="11" fill="#555">{escape(shape)}</text>',
        ]
    return "\n".join([*lines, "</svg>"]) + "\n"


if __name__ == "__main__":
    for name, (boxes, arrows) in {"keras-dense": DENSE, "keras-fields": FIELDS}.items():
        (FOLDER / f"{name}.svg").write_text(draw(boxes, arrows), encoding="utf-8")
        print(f"wrote {name}.svg")
