// Prints how many images a second Chromium trains on in run_again.html, in the last epoch.
//
//   node speed.mjs NODE_FOLDER REPORT_FOLDER
import path from 'node:path';
import { cells, launch, open, run } from './browser.mjs';

const [modules, report] = process.argv.slice(2);
const browser = await launch('chrome', modules);
try {
  const page = await browser.newPage();
  await open(page, path.join(report, 'run_again.html'));
  const said = await run(page);
  if (!said.startsWith('Identical')) throw new Error(said);
  console.log((await cells(page)).at(-1).at(-1));
} finally {
  await browser.close();
}
