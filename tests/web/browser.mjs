// Browsers for run_again.html: without a network, and what its button says in the end.
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';

function executable(names) {
  for (const name of names) {
    const found = process.env.PATH.split(':').map(folder => path.join(folder, name)).find(existsSync);
    if (found) return found;
  }
  throw new Error(`no ${names[0]} on the PATH; experiments/install_packages --tests installs it`);
}

// name: chrome or firefox; modules: the folder with puppeteer-core; flags: of Chromium
export function launch(name, modules, ...flags) {
  return createRequire(path.resolve(modules, 'package.json'))('puppeteer-core').launch({
    browser: name,
    executablePath: executable(name === 'chrome' ? ['chromium', 'google-chrome'] : ['firefox-esr', 'firefox']),
    args: name === 'chrome' ? ['--no-sandbox', '--host-resolver-rules=MAP * ~NOTFOUND', ...flags] : [],
    extraPrefsFirefox: { 'network.dns.disabled': true },
    protocolTimeout: 900000,
  });
}

export const open = (page, file) => page.goto(pathToFileURL(path.resolve(file)).href, { waitUntil: 'load' });
export const stateOf = page => page.$eval('#state', element => element.textContent);
export const cells = page =>
  page.$$eval('#epochs tr', rows => rows.map(row => [...row.cells].map(cell => cell.textContent)));

export async function ended(page) {
  await page.waitForFunction(() => document.getElementById('stop').disabled &&
    /^(Identical|Different|Stopped|The run ended)/.test(document.getElementById('state').textContent), { timeout: 900000 });
  return stateOf(page);
}

export async function run(page) {
  await page.click('#run');
  return ended(page);
}
