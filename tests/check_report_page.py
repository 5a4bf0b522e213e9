#!/usr/bin/env python3
"""Opens a report in headless Chromium at a phone's and a desk's width and checks what a reader sees.

    tests/check_report_page.py DIR          DIR holds index.html, report.md and figures/

At each width: every figure is drawn and inside the page, its labels inside the figure and clear of
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

WIDTHS = {"phone": 390, "desk": 1280}
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
    if (!svg.querySelector('path, rect:nth-of-type(2)')) problems.push('empty: ' + name(svg));
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
    profile = tempfile.mkdtemp(dir=folder)
    frame = folder / "frame.html"
    frame.write_text(FRAME % (page.name, width, HEIGHT), encoding="utf-8")
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
        "--no-first-run", "--disable-background-networking", "--disable-component-update",
        "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={profile}",
        f"--window-size={max(WIDTHS.values()) + 100},{HEIGHT}", "--virtual-time-budget=10000",
        "--dump-dom", frame.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=MOST_SECONDS).stdout
    found = re.search(r'<pre id="found">(.*?)</pre>', dom, re.DOTALL)
    if not found:
        sys.exit(f"check_report_page: {page.name} could not be opened")
    text = found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return json.loads(text)


def check_page(report, folder, figures):
    """Problems of index.html at each width."""
    html = (report / "index.html").read_text(encoding="utf-8")
    page = folder / "page.html"
    page.write_text(html.replace("<head>", "<head>" + POLICY, 1)
                    .replace("</body>", MEASURE + "</body>", 1), encoding="utf-8")
    problems = []
    for name, width in WIDTHS.items():
        found = found_in(page, width, folder)
        problems += [f"{name}: {problem}" for problem in found["problems"]]
        if found["width"] != width:
            problems.append(f"{name}: {found['width']} pixels wide, not {width}")
        if found["figures"] != len(figures):
            problems.append(f"{name}: {found['figures']} figures, but {len(figures)} in figures/")
        print(f"{name}, {width} pixels: {found['figures']} figures")
    return problems


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
    if not (report / "index.html").exists() or not figures:
        sys.exit(f"check_report_page: no report in {report}")
    with tempfile.TemporaryDirectory() as folder:
        problems = check_page(report, pathlib.Path(folder), figures)
        problems += check_images(pathlib.Path(folder), figures)
    for problem in problems:
        print(problem)
    print("the page is in order" if not problems else f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
