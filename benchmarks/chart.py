"""The chart: CPU per request over nginx's, drawn by gnuplot as SVG."""

from __future__ import annotations

import subprocess
from pathlib import Path

from results import Failed, Missing, Results

GROUPS = {
    "keep-alive-64": "keep-alive\\n64 connections",
    "keep-alive-512": "keep-alive\\n512 connections",
    "pipelining": "pipelining\\n16 deep",
    "close": "connection\\nper request",
    "file-4k": "file of\\n4 KiB",
}
SERVERS = {
    "cohort": "#0b6e4f",
    "nginx": "#8d99ae",
    "h2o": "#b8a1c9",
    "lighttpd": "#e0b97d",
    "haproxy": "#d98c7a",
    "limit": "#d9d9d9",
}
TITLES = {"limit": "raw epoll limit"}
TOP = 1.7
GAP = 1.5
NONE = "?"

HEADER = f"""\
set terminal svg size 900,420 font "sans-serif,13" background "white"
set title "CPU time per request, nginx = 1 (lower is better)" font ",16"
set style data histograms
set style histogram clustered gap {GAP}
set style fill solid
set boxwidth 0.9
set yrange [0:{TOP}]
set grid ytics linecolor "#e5e5e5"
set border 1
set tics nomirror scale 0
set key inside top center horizontal
set bmargin 4
set datafile missing "{NONE}"
"""


def cell(results: Results, group: str, server: str) -> str:
    """One bar, or gnuplot's word for none."""
    last = results.attempts(group) - 1
    try:
        value = results.ratio(group, "cpu_us", server, "nginx", last)
    except (Missing, Failed):
        return NONE
    return f"{value.middle:.3f}"


def data_lines(results: Results) -> list[str]:
    """A line for each group in which cohort and nginx have been measured."""
    lines = []
    for group, label in GROUPS.items():
        cells = [cell(results, group, server) for server in SERVERS]
        if cells[0] != NONE:
            lines.append(" ".join([f'"{label}"', *cells]))
    return lines


def script(data: list[str]) -> str:
    """What gnuplot is told."""
    lines = ["$data << end", *data, "end"]
    lines.append(f"set xrange [-0.55:{len(data) - 0.45}]")
    plots = []
    for column, (server, colour) in enumerate(SERVERS.items(), start=2):
        title = TITLES.get(server, server)
        plots.append(
            f'$data using {column}:xtic(1) title "{title}" '
            f'linecolor rgb "{colour}"'
        )
    # The figure itself over the first bar of each group.
    shift = (len(SERVERS) - 1) / 2 / (len(SERVERS) + GAP)
    plots.append(
        f'$data using ($0-{shift:.3f}):2:(sprintf("%.2f", $2)) '
        "with labels offset 0,0.6 notitle"
    )
    return "\n".join([HEADER, *lines, "plot " + ", \\\n".join(plots), ""])


def write(results: Results, path: Path, work: Path) -> None:
    """Draw what has been measured, if anything has."""
    data = data_lines(results)
    if not data:
        return
    source = work / "chart.gnuplot"
    output = f'set output "{path}"\n'
    source.write_text(output + script(data), "utf-8")
    subprocess.run(["gnuplot", str(source)], check=True)
