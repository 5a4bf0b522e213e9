"""What a page looks like on paper, for check_report_page.py: of a PDF file that Chromium printed it tells rows of
tables that two sheets share, headings that end a sheet, and sheets less than half full other than the last.
"""

import html
import re
import subprocess

# The start and the end of each row of a table, in colours that nothing else on the page has. A row that is
# split has its start on one sheet and its end on the next, since a background is painted as if it were whole.
MARKS = """<style>@media print { tbody tr > :first-child { print-color-adjust: exact !important; background:
linear-gradient(#ff00ff, #ff00ff) top/100% 3px no-repeat, linear-gradient(#00ffff, #00ffff) bottom/100% 3px no-repeat
!important; } }</style>"""
DOTS_PER_INCH = 144
MARGIN_MM = 14  # above and below what is printed, as the style sheet has it
SHEET_MM = 297


def sheets_of(pdf):
    """Each sheet as its lines of pixels, of three bytes each."""
    data = subprocess.run(["pdftoppm", "-r", str(DOTS_PER_INCH), pdf], capture_output=True, check=True).stdout
    at = 0
    while at < len(data):
        head = re.compile(rb"P6\s+(\d+)\s+(\d+)\s+255\s").match(data, at)
        bytes_of_line, height = 3 * int(head[1]), int(head[2])
        begin, at = head.end(), head.end() + bytes_of_line * height
        yield [data[line:line + bytes_of_line] for line in range(begin, at, bytes_of_line)]


def has(line, colour):
    """Whether three pixels side by side have the colour."""
    at = line.find(colour * 3)
    while at >= 0 and at % 3 != 0:  # the end of one pixel and the start of the next
        at = line.find(colour * 3, at + 1)
    return at >= 0


def bands(sheet, colour):
    """How many runs of lines have the colour."""
    found = [has(line, colour) for line in sheet]
    return sum(now and not before for before, now in zip([False] + found, found))


def share_filled(sheet):
    """How far down a sheet something is printed, from 0 at its upper margin to 1 at the lower."""
    inked = [number for number, line in enumerate(sheet) if min(line) < 200]
    if not inked:
        return 0.0
    millimetres = inked[-1] / len(sheet) * SHEET_MM
    return (millimetres - MARGIN_MM) / (SHEET_MM - 2 * MARGIN_MM)


def last_lines(pdf):
    """The last line of text of each sheet, and its last two as one."""
    text = subprocess.run(["pdftotext", "-layout", pdf, "-"], capture_output=True, check=True, text=True).stdout
    for page in text.split("\f")[:-1]:
        lines = [" ".join(line.split()) for line in page.splitlines() if line.strip()]
        yield lines[-1:], [" ".join(lines[-2:])]


def headings_of(page):
    """The text of each heading in a page's HTML."""
    found = re.findall(r"<h[1-6][^>]*>(.*?)</h[1-6]>", page, re.DOTALL)
    return {" ".join(html.unescape(re.sub(r"<[^>]+>", "", heading)).split()) for heading in found}


def problems_on_paper(page, pdf):
    """Problems of a page, given as HTML with MARKS in it, whose sheets are in the PDF file."""
    problems = []
    rows = 0
    sheets = list(sheets_of(pdf))
    for number, sheet in enumerate(sheets, 1):
        starts, ends = bands(sheet, b"\xff\x00\xff"), bands(sheet, b"\x00\xff\xff")
        rows += starts
        if starts != ends:
            problems.append(f"sheet {number}: {starts} rows of tables start and {ends} end; expected as many")
        filled = share_filled(sheet)
        if filled < 0.5 and number < len(sheets):
            problems.append(f"sheet {number} is {filled:.0%} full; expected half or more of all but the last")
    if rows == 0 and "<tbody>" in page:
        problems.append("no row of a table was found on paper; expected those of the page")
    headings = headings_of(page)
    for number, (last, last_two) in enumerate(last_lines(pdf), 1):
        for heading in headings.intersection(last + last_two):
            problems.append(f"sheet {number} ends with the heading '{heading}'; expected text below it")
    return problems
