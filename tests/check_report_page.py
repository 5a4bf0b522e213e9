#!/usr/bin/env python3
"""Opens a report's paper and supplement in headless Chromium at three widths and checks what a reader sees.

    tests/check_report_page.py DIR          DIR holds index.html, supplement.html and figures/

Each page is light enough and has few enough sheets of A4 paper, of which none divides a row of a table, ends
with a heading, or is less than half full unless it is the last. At each width: every figure is drawn and inside
the page, its labels inside the figure and clear of one another, nothing makes the page scroll sideways, and
nothing outside the page is asked for. Text has the contrast of WCAG AA, light and dark; drawings have a text in
their place, headings follow one another without a gap, and links lead somewhere. Every file in figures/ opens as
an image. The page that is measured is a copy with a content policy that forbids all loading and a script that
writes what it finds into the document.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse

import report_print

WIDTHS = {"phone": 390, "tablet": 820, "desk": 1600}
MOST_BYTES = {"index.html": 2_000_000, "supplement.html": 6_000_000}
MOST_SHEETS = {"index.html": 8, "supplement.html": 30}
HEIGHT = 900
MOST_SECONDS = 120

POLICY = """<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'">
<script>
var forbidden = [];
document.addEventListener('securitypolicyviolation', e => forbidden.push(e.blockedURI));
</script>"""

# The page stands in a frame of the wanted width, since a window has a least width of its own. What is
# found goes to the frame's page, which writes it into an element that --dump-dom prints.
FRAME = """<!DOCTYPE html><meta charset="utf-8"><body><script>
window.addEventListener('message', event => {
  const found = document.createElement('pre');
  found.id = 'found';
  found.textContent = event.data;
  document.body.append(found);
});
</script><iframe src="%s" width="%d" height="%d" style="border: 0"></iframe>"""

MEASURE = """<script>
window.addEventListener('load', () => {
  const problems = [];
  const width = window.innerWidth;
  const name = e => (e.getAttribute('aria-label') || e.textContent || e.tagName).trim().slice(0, 60);
  const scrolls = e => e.closest('.scroll, pre') !== null;
  const overlap = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1 &&
                            Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 1;
  if (document.documentElement.scrollWidth > width) problems.push('the page scrolls sideways');
  for (const e of document.querySelectorAll('main *')) {
    if (scrolls(e) || e.ownerSVGElement) continue;
    const box = e.getBoundingClientRect();
    if (box.right > width + 0.5 || box.left < -0.5) problems.push('beyond the page: ' + name(e));
  }
  const figures = document.querySelectorAll('figure svg');
  for (const svg of figures) {
    const frame = svg.getBoundingClientRect();
    if (frame.width < 100 || frame.height < 100) problems.push('not drawn: ' + name(svg));
    if (svg.querySelectorAll('path, rect').length < 2) problems.push('empty: ' + name(svg));
    const labels = [...svg.querySelectorAll('text')];
    const boxes = labels.map(label => label.getBoundingClientRect());
    boxes.forEach((box, i) => {
      if (box.left < frame.left - 1 || box.right > frame.right + 1 ||
          box.top < frame.top - 1 || box.bottom > frame.bottom + 1) {
        problems.push('label beyond its figure: ' + name(labels[i]) + ' in ' + name(svg));
      }
      for (let j = 0; j < i; ++j) {
        if (overlap(box, boxes[j])) {
          problems.push('labels overlap: ' + name(labels[i]) + ', ' + name(labels[j]) + ' in ' + name(svg));
        }
      }
      const size = parseFloat(getComputedStyle(labels[i]).fontSize) * frame.width / svg.viewBox.baseVal.width;
      if (size < 9) problems.push('label of ' + size.toFixed(1) + ' pixels: ' + name(labels[i]));
    });
  }
  checkContrast(problems);
  for (const svg of figures) {
    if (svg.getAttribute('role') !== 'img' || !svg.getAttribute('aria-label')) problems.push('no text for ' + name(svg));
  }
  const levels = [...document.querySelectorAll('main :is(h1, h2, h3, h4, h5, h6)')].map(h => +h.tagName[1]);
  if (levels.filter(level => level === 1).length !== 1 || levels[0] !== 1) problems.push('no single heading at the top');
  levels.forEach((level, i) => {
    if (i > 0 && level > levels[i - 1] + 1) problems.push('a heading of level ' + level + ' below one of ' + levels[i - 1]);
  });
  const links = [...document.querySelectorAll('a')].map(a => a.getAttribute('href'));
  for (const link of links) {
    const to = link.startsWith('#') ? link.slice(1) : '';
    if (to && !document.getElementById(decodeURIComponent(to))) problems.push('a link to nothing: ' + link);
  }
  for (const e of performance.getEntriesByType('resource')) problems.push('asks for ' + e.name);
  for (const uri of forbidden) problems.push('asks for ' + uri);
  const ids = [...document.querySelectorAll('[id]')].map(e => e.id);
  parent.postMessage(JSON.stringify({width, figures: figures.length, problems, links, ids}), '*');
});
</script>"""

# WCAG 2: relative luminance, and the ratio of text to what is painted below it. Text in a drawing is
# set against the last shape that covers its middle.
CONTRAST = """<script>
function luminance(colour) {
  const [r, g, b] = colour.slice(0, 3).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function parsed(colour) {
  const numbers = colour.match(/[\\d.]+/g);
  return numbers && colour.startsWith('rgb') ? numbers.map(Number) : null;
}
const shapes = new Map();
function shapesOf(svg) {
  if (!shapes.has(svg)) {
    const solid = [];
    for (const shape of svg.querySelectorAll('rect, path, polygon, circle, use')) {
      const style = getComputedStyle(shape);
      const fill = shape.closest('defs') ? null : parsed(shape.tagName === 'use' ? style.color : style.fill);
      const opacity = (fill?.[3] ?? 1) * style.fillOpacity * style.opacity;
      if (fill && opacity > 0.5) solid.push({shape, fill, box: shape.getBoundingClientRect()});
    }
    shapes.set(svg, solid);
  }
  return shapes.get(svg);
}
function paintedBelow(e) {
  if (e.ownerSVGElement) {
    const text = e.getBoundingClientRect();
    const [x, y] = [text.left + text.width / 2, text.top + text.height / 2];
    const covers = ({shape, box}) => {
      if (x < box.left || x > box.right || y < box.top || y > box.bottom) return false;
      if (!(shape.compareDocumentPosition(e) & Node.DOCUMENT_POSITION_FOLLOWING)) return false;
      if (shape.tagName === 'use') return true;
      return shape.isPointInFill(new DOMPoint(x, y).matrixTransform(shape.getScreenCTM().inverse()));
    };
    const below = shapesOf(e.ownerSVGElement).filter(covers).at(-1);
    if (below) return below.fill;
  }
  for (let at = e; at; at = at.parentElement) {
    const colour = parsed(getComputedStyle(at).backgroundColor);
    if (colour && (colour[3] ?? 1) > 0.5) return colour;
  }
  return [255, 255, 255];
}
function checkContrast(problems) {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const known = new Set();
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || e.closest('script, style, title, desc') || e.getClientRects().length === 0) continue;
    const style = getComputedStyle(e);
    const ink = parsed(e.ownerSVGElement ? style.fill : style.color);
    if (!ink) continue;
    const [a, b] = [luminance(ink), luminance(paintedBelow(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio >= (large ? 3 : 4.5) - 0.005) continue;
    const figure = e.closest('figure');
    const problem = `contrast ${ratio.toFixed(2)} in ${figure ? figure.className : e.tagName}: ${node.data.trim().slice(0, 30)}`;
    const kind = (figure ? figure.className : e.tagName) + ratio.toFixed(1);
    if (!known.has(kind)) problems.push(problem);
    known.add(kind);
  }
}
</script>"""

IMAGES = """<!DOCTYPE html><meta charset="utf-8"><body>%s<script>
window.addEventListener('load', () => {
  const images = [...document.images];
  const problems = images.filter(i => !i.complete || i.naturalWidth === 0).map(i => 'no image: ' + i.src);
  parent.postMessage(JSON.stringify({width: innerWidth, figures: images.length, problems}), '*');
});
</script>"""


def chromium():
    """The browser's path."""
    for name in (os.environ.get("CHROMIUM", ""), "chromium", "chromium-browser", "google-chrome"):
        if name and shutil.which(name):
            return shutil.which(name)
    sys.exit("check_report_page: no chromium on the PATH (Debian's package chromium has it)")


def found_in(page, width, folder, scheme="light"):
    """What the script in `page`, a file in `folder`, has found at this width."""
    frame = folder / "frame.html"
    frame.write_text(FRAME % (page.name, width, HEIGHT), encoding="utf-8")
    command = [*command_of(folder), f"--window-size={max(WIDTHS.values()) + 100},{HEIGHT}",
               f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
               "--virtual-time-budget=10000", "--dump-dom", frame.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS).stdout
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    if not found:
        sys.exit(f"check_report_page: {page.name} could not be opened")
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text)


def command_of(folder):
    """Chromium with a profile of its own, which asks for nothing from elsewhere."""
    profile = tempfile.mkdtemp(dir=folder)
    return [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}"]


def check_sheets(report, folder, name):
    """Whether a page is too heavy, or too long or badly divided on paper."""
    marked = (report / name).read_text(encoding="utf-8").replace("</head>", report_print.MARKS + "</head>", 1)
    page = folder / ("printed_" + name)
    page.write_text(marked, encoding="utf-8")
    sheets = page.with_suffix(".pdf")
    subprocess.run([*command_of(folder), "--no-pdf-header-footer", f"--print-to-pdf={sheets}", page.as_uri()],
                   capture_output=True, check=False, timeout=MOST_SECONDS)
    count = len(re.findall(rb"/Type\s*/Page\b", sheets.read_bytes())) if sheets.exists() else 0
    size = (report / name).stat().st_size
    print(f"{name}: {count} sheets, {size} bytes")
    problems = [f"{name}: {found}" for found in report_print.problems_on_paper(marked, sheets)] if count else []
    if not 0 < count <= MOST_SHEETS[name]:
        problems.append(f"{name}: {count} sheets of paper, at most {MOST_SHEETS[name]} expected")
    if size > MOST_BYTES[name]:
        problems.append(f"{name}: {size} bytes, at most {MOST_BYTES[name]} expected")
    return problems


def check_links(report, links, targets):
    """Problems of links to other files of the report."""
    problems = []
    for page, found in links.items():
        for link in found:
            parts = urllib.parse.urlsplit(link)
            if parts.scheme or not parts.path:
                continue
            path = urllib.parse.unquote(parts.path)
            if not (report / path).is_file():
                problems.append(f"{page}: a link to a file that is not there: {link}")
            elif parts.fragment and parts.fragment not in targets[path]:
                problems.append(f"{page}: a link to a place that is not there: {link}")
    return problems


def check_page(report, folder, file_name, links, targets):
    """Problems of a page at each width, and how many figures it shows."""
    html = (report / file_name).read_text(encoding="utf-8")
    page = folder / "page.html"
    page.write_text(html.replace("<head>", "<head>" + POLICY, 1)
                    .replace("</body>", CONTRAST + MEASURE + "</body>", 1), encoding="utf-8")
    problems = []
    figures = set()
    for (name, width), scheme in [*((at, "light") for at in WIDTHS.items()), (("desk", WIDTHS["desk"]), "dark")]:
        found = found_in(page, width, folder, scheme)
        problems += [f"{file_name}, {name}, {scheme}: {problem}" for problem in found["problems"]]
        targets[file_name] = set(found["ids"])
        links[file_name] = found["links"]
        if found["width"] != width:
            problems.append(f"{file_name}, {name}: {found['width']} pixels wide, not {width}")
        figures.add(found["figures"])
        print(f"{file_name}, {name}, {width} pixels, {scheme}: {found['figures']} figures")
    if len(figures) != 1:
        problems.append(f"{file_name}: {figures} figures")
    return problems, max(figures)


def check_images(folder, figures):
    """Problems of the figures as files of their own, as a code host shows them."""
    page = folder / "images.html"
    page.write_text(IMAGES % "".join(f'<img src="{figure.as_uri()}">' for figure in figures),
                    encoding="utf-8")
    return found_in(page, WIDTHS["desk"], folder)["problems"]


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: check_report_page.py DIR")
    report = pathlib.Path(sys.argv[1]).resolve()
    figures = sorted((report / "figures").glob("*.svg"))
    if not figures or not all((report / name).exists() for name in MOST_BYTES):
        sys.exit(f"check_report_page: no report in {report}")
    problems = []
    shown = 0
    links, targets = {}, {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name in MOST_BYTES:
            found, count = check_page(report, folder, name, links, targets)
            problems += found + check_sheets(report, folder, name)
            shown += count
        problems += check_images(folder, figures) + check_links(report, links, targets)
    if shown != len(figures):
        problems.append(f"{shown} figures on the pages, but {len(figures)} in figures/")
    for problem in problems:
        print(problem)
    print("the page is in order" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
