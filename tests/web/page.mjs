// Opens run_again.html from the disk, without a network, in Chromium and Firefox: the button trains to
// the record's digests, another seed differs from the first on, and Stop stops.
//
//   node page.mjs NODE_FOLDER REPORT_FOLDER FINAL
//     FINAL   SHA-256 of the trained parameters
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, report] = process.argv.slice(2, 4).map(folder => path.resolve(folder));
const final = process.argv[4];
const puppeteer = createRequire(path.join(modules, 'package.json'))('puppeteer-core');
const problems = [];

function executable(names) {
  for (const name of names) {
    const found = process.env.PATH.split(':').map(folder => path.join(folder, name)).find(existsSync);
    if (found) return found;
  }
  throw new Error(`no ${names[0]} on the PATH; experiments/install_packages --tests installs it`);
}

async function check(browserName, browser) {
  const page = await browser.newPage();
  const failures = [];
  page.on('pageerror', error => failures.push(String(error)));
  await page.goto(pathToFileURL(path.join(report, 'run_again.html')).href, { waitUntil: 'load' });
  const state = () => page.$eval('#state', element => element.textContent);
  const cells = () => page.$$eval('#epochs tr', rows => rows.map(row => [...row.cells].map(cell => cell.textContent)));
  const expect = (holds, what) => holds || problems.push(`${browserName}: ${what}`);
  const ended = async () => {
    await page.waitForFunction(() => document.getElementById('stop').disabled &&
      /^(Identical|Different|Stopped|The run ended)/.test(document.getElementById('state').textContent), { timeout: 180000 });
    return state();
  };

  expect((await state()).startsWith('Ready'), `begins with "${await state()}", expected Ready`);
  await page.click('#run');
  const first = await ended();
  expect(first.startsWith('Identical'), `ends with "${first}", expected Identical`);
  const rows = await cells();
  expect(rows.length === 3 && rows[2][2].startsWith(final), `shows ${rows.at(-1)?.[2]}, expected ${final}`);
  console.log(`${browserName}: ${first}`);

  await page.$eval('#seed', input => { input.value = '2'; });
  await page.click('#run');
  const other = await ended();
  expect(other.startsWith('Different from the record, first in the initial parameters'), `with seed 2: "${other}"`);

  await page.click('#run');
  await page.waitForFunction(() => document.getElementById('state').textContent.startsWith('Epoch'));
  await page.click('#stop');
  expect(await ended() === 'Stopped.', `Stop: "${await state()}"`);
  for (const failure of failures) expect(false, failure);
}

for (const browserName of ['chrome', 'firefox']) {
  const browser = await puppeteer.launch({
    browser: browserName,
    executablePath: executable(browserName === 'chrome' ? ['chromium', 'google-chrome'] : ['firefox-esr', 'firefox']),
    args: browserName === 'chrome' ? ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND'] : [],
    extraPrefsFirefox: { 'network.dns.disabled': true },
  });
  try {
    await check(browserName, browser);
  } finally {
    await browser.close();
  }
}
for (const problem of problems) console.error(`page.mjs: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
