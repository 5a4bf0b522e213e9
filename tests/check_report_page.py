#!/usr/bin/env python3
"""Opens a report's paper and supplement in headless Chromium at three widths and checks what a reader sees.

    tests/check_report_page.py DIR          DIR holds index.html, supplement.html and figures/

Each page is light enough and has few enough pages on A4 paper. At each width: every figure is drawn and inside the page, its labels inside the figure and clear of
one another, nothing makes the page scroll sideways, and nothing outside the page is asked for. Every
file in figures/ opens as an image. The page that is measured is a copy with a content policy that
forbids all loading and a script that writes what it finds into the document.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

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
  for (const e of performance.getEntriesByType('resource')) problems.push('asks for ' + e.name);
  for (const uri of forbidden) problems.push('asks for ' + uri);
  parent.postMessage(JSON.stringify({width, figures: figures.length, problems}), '*');
});
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


def found_in(page, width, folder):
    """What the script in `page`, a file in `folder`, has found at this width."""
    frame = folder / "frame.html"
    frame.write_text(FRAME % (page.name, width, HEIGHT), encoding="utf-8")
    command = [*command_of(folder), f"--window-size={max(WIDTHS.values()) + 100},{HEIGHT}",
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
    """Whether a page is too heavy, or too long on paper."""
    page = report / name
    sheets = folder / (name + ".pdf")
    subprocess.run([*command_of(folder), "--no-pdf-header-footer", f"--print-to-pdf={sheets}", page.as_uri()],
                   capture_output=True, check=False, timeout=MOST_SECONDS)
    count = len(re.findall(rb"/Type\s*/Page\b", sheets.read_bytes())) if sheets.exists() else 0
    size = page.stat().st_size
    print(f"{name}: {count} sheets, {size} bytes")
    problems = []
    if not 0 < count <= MOST_SHEETS[name]:
        problems.append(f"{name}: {count} sheets of paper, at most {MOST_SHEETS[name]} expected")
    if size > MOST_BYTES[name]:
        problems.append(f"{name}: {size} bytes, at most {MOST_BYTES[name]} expected")
    return problems


def check_page(report, folder, file_name):
    """Problems of a page at each width, and how many figures it shows."""
    html = (report / file_name).read_text(encoding="utf-8")
    page = folder / "page.html"
    page.write_text(html.replace("<head>", "<head>" + POLICY, 1)
                    .replace("</body>", MEASURE + "</body>", 1), encoding="utf-8")
    problems = []
    figures = set()
    for name, width in WIDTHS.items():
        found = found_in(page, width, folder)
        problems += [f"{file_name}, {name}: {problem}" for problem in found["problems"]]
        if found["width"] != width:
            problems.append(f"{file_name}, {name}: {found['width']} pixels wide, not {width}")
        figures.add(found["figures"])
        print(f"{file_name}, {name}, {width} pixels: {found['figures']} figures")
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
    with tempfile.TemporaryDirectory() as scratch:
        folder = pathlib.Path(scratch)
        for name in MOST_BYTES:
            found, count = check_page(report, folder, name)
            problems += found + check_sheets(report, folder, name)
            shown += count
        problems += check_images(folder, figures)
    if shown != len(figures):
        problems.append(f"{shown} figures on the pages, but {len(figures)} in figures/")
    for problem in problems:
        print(problem)
    print("the page is in order" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
