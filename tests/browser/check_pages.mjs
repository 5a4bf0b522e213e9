// Opens a report's pages in Firefox (by WebDriver BiDi) and Chromium and checks what people get to see:
// nothing beyond the page at three widths, light and dark; pages of paper; the time until the load event; and
// what axe-core, which reads a page as assistive technology would, finds serious.
//
//   node check_pages.mjs NODE_FOLDER REPORT_FOLDER [--alone]
//     --alone   nothing else runs on this machine: the load event comes within a second by the clock. Without,
//               it comes within a second of processor time of the page's thread, whatever else runs
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { inflateSync } from 'node:zlib';

const [modules, report] = process.argv.slice(2, 4).map(folder => path.resolve(folder));
const alone = process.argv[4] === '--alone';
if (process.argv.length > (alone ? 5 : 4)) throw new Error(`${process.argv[4]} given; expected nothing or --alone`);
const require = createRequire(path.join(modules, 'package.json'));
const puppeteer = require('puppeteer-core');
const axe = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');

const WIDTHS = [390, 820, 1600];
const PAGES = { 'index.html': { sheets: 8 }, 'supplement.html': { sheets: 30 } };
const OPENINGS = 5;
const MOST_LOAD_MS = 1000;
const problems = [];

function executable(names) {
  const folders = process.env.PATH.split(':');
  for (const name of names) {
    const found = folders.map(folder => path.join(folder, name)).find(existsSync);
    if (found) return found;
  }
  throw new Error(`no ${names[0]} on the PATH; experiments/install_packages --tests installs it`);
}

function launch(browser, scheme) {
  const chrome = browser === 'chrome';
  return puppeteer.launch({
    browser,
    executablePath: executable(chrome ? ['chromium', 'google-chrome'] : ['firefox-esr', 'firefox']),
    args: chrome ? ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND'] : [],
    extraPrefsFirefox: {
      'layout.css.prefers-color-scheme.content-override': scheme === 'dark' ? 0 : 1,
      'network.dns.disabled': true,
    },
  });
}

async function open(page, name) {
  await page.goto(pathToFileURL(path.join(report, name)).href, { waitUntil: 'load' });
}

// ---- What is measured in the page

/** What reaches beyond the page, and how light its background is, from 0 to 1. */
function measured() {
  const width = document.documentElement.clientWidth;
  const found = [];
  if (document.documentElement.scrollWidth > width) found.push('the page scrolls sideways');
  for (const element of document.querySelectorAll('main *')) {
    if (element.closest('.scroll, pre') || element.ownerSVGElement) continue;
    const box = element.getBoundingClientRect();
    if (box.right > width + 0.5 || box.left < -0.5) {
      found.push('beyond the page: ' + (element.getAttribute('aria-label') || element.textContent).slice(0, 60));
    }
  }
  const paper = getComputedStyle(document.body).backgroundColor.match(/[\d.]+/g).slice(0, 3);
  const figures = [...document.querySelectorAll('figure svg')];
  return {
    found,
    light: paper.reduce((sum, value) => sum + Number(value), 0) / (3 * 255),
    drawn: figures.filter(svg => svg.getBoundingClientRect().height > 50).length,
    figures: figures.length,
  };
}

async function checkWidths(page, name, browser, scheme) {
  for (const width of WIDTHS) {
    await page.setViewport({ width, height: 900 });
    const result = await page.evaluate(measured);
    const where = `${name}, ${browser}, ${scheme}, ${width} pixels`;
    problems.push(...result.found.map(problem => `${where}: ${problem}`));
    if (result.drawn !== result.figures) problems.push(`${where}: ${result.drawn} of ${result.figures} figures drawn`);
    if ((result.light > 0.5) !== (scheme === 'light')) problems.push(`${where}: the paper's lightness is ${result.light}`);
  }
}

/** Pages of a PDF file, whose objects may be compressed. */
function pagesOf(pdf) {
  const text = pdf.toString('latin1');
  let objects = text;
  for (const { index, 0: { length } } of text.matchAll(/\bstream\r?\n/g)) {
    try {
      objects += inflateSync(pdf.subarray(index + length, text.indexOf('endstream', index))).toString('latin1');
    } catch {
      // An image or a font in another form.
    }
  }
  return [...objects.matchAll(/\/Type\s*\/Page\b/g)].length;
}

async function checkSheets(page, name, browser) {
  const sheets = pagesOf(Buffer.from(await page.pdf({ format: 'A4', preferCSSPageSize: true })));
  console.log(`${name}, ${browser}: ${sheets} sheets`);
  if (sheets < 1 || sheets > PAGES[name].sheets) {
    problems.push(`${name}, ${browser}: ${sheets} sheets of paper, at most ${PAGES[name].sheets} expected`);
  }
}

/** Milliseconds of processor time that the page's thread has spent on tasks so far. */
async function threadTime(session) {
  const { metrics } = await session.send('Performance.getMetrics');
  return 1000 * metrics.find(metric => metric.name === 'TaskDuration').value;
}

async function checkLoad(page, name) {
  const session = await page.createCDPSession();
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const [byClock, ofThread] = [[], []];
  for (let i = 0; i < OPENINGS; ++i) {
    await page.goto('about:blank');
    const before = await threadTime(session);
    await open(page, name);
    ofThread.push(await threadTime(session) - before);
    byClock.push(await page.evaluate(() => performance.getEntriesByType('navigation')[0].loadEventStart));
  }
  await session.detach();
  const [clock, thread] = [byClock, ofThread].map(times => times.sort((a, b) => a - b)[(OPENINGS - 1) / 2]);
  console.log(`${name}: load event after ${clock.toFixed(0)} ms, of which the page's thread has worked ` +
              `${thread.toFixed(0)} ms; medians of ${OPENINGS}`);
  const longest = Math.max(thread, alone ? clock : 0);
  if (!(thread > 0 && longest < MOST_LOAD_MS)) problems.push(`${name}: load event after ${longest.toFixed(0)} ms, expected ${MOST_LOAD_MS}`);
}

async function checkAxe(page, name, scheme) {
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(
      ({ id, impact, nodes }) => ({ id, impact, count: nodes.length, first: nodes[0].html.slice(0, 200) })));
  for (const { id, impact, count, first } of violations) {
    const line = `${name}, ${scheme}: axe-core: ${impact}: ${id}, ${count} times: ${first}`;
    console.log(line);
    if (impact === 'serious' || impact === 'critical') problems.push(line);
  }
}

// ---- The browsers

async function inFirefox(scheme) {
  const browser = await launch('firefox', scheme);
  try {
    const page = await browser.newPage();
    for (const name of Object.keys(PAGES)) {
      await open(page, name);
      await checkWidths(page, name, 'Firefox', scheme);
      if (scheme === 'light') await checkSheets(page, name, 'Firefox');
    }
  } finally {
    await browser.close();
  }
}

async function inChromium() {
  const browser = await launch('chrome', 'light');
  try {
    const page = await browser.newPage();
    for (const name of Object.keys(PAGES)) {
      await checkLoad(page, name);
      for (const scheme of ['light', 'dark']) {
        await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
        await checkWidths(page, name, 'Chromium', scheme);
        await checkAxe(page, name, scheme);
      }
      await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: 'light' }]);
    }
  } finally {
    await browser.close();
  }
}

await Promise.all([inChromium(), inFirefox('light').then(() => inFirefox('dark'))]);
for (const problem of problems) console.log(problem);
console.log(problems.length === 0 ? 'the pages are in order' : `${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;
