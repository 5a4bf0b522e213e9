// Opens run_again.html from the disk, without a network, in Chromium and Firefox: the button trains to
// the record's digests, another seed differs from the first on, Stop stops; files that the reader chooses
// are found by their SHA-256 and train to the digest of the report's own run; a convolution has the
// digest of compare_convolutions; axe-core finds nothing; and what a browser or the page lacks, or a field
// may not hold, is one line.
//
//   node page.mjs NODE_FOLDER REPORT_FOLDER FINAL DATA_FOLDER CHOSEN CONVOLUTIONS
//     FINAL           SHA-256 of the parameters that the page's run ends with
//     DATA_FOLDER     the files of the report's own run
//     CHOSEN          SHA-256 of the parameters after an epoch on them; Firefox goes no further than the start
//     CONVOLUTIONS    a file: a shape, then lines of an algorithm and the SHA-256 of its result
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { cells, ended, launch, open, run, stateOf } from './browser.mjs';

const [modules, report, final, data, chosen, convolutions] = process.argv.slice(2);
const file = path.resolve(report, 'run_again.html');
const folder = mkdtempSync(path.join(os.tmpdir(), 'page-'));
const problems = [];

async function checkRun(page, expect, name) {
  expect((await stateOf(page)).startsWith('Ready'), `begins with "${await stateOf(page)}", expected Ready`);
  const first = await run(page);
  expect(first.startsWith('Identical'), `ends with "${first}", expected Identical`);
  const rows = await cells(page);
  expect(rows.length === 3 && rows[2][2].startsWith(final), `shows ${rows.at(-1)?.[2]}, expected ${final}`);
  console.log(`${name}: ${first}`);
  expect(await progressOf(page) === 1, `the progress of a whole run is ${await progressOf(page)}`);

  await page.$eval('#seed', input => { input.value = '2'; });
  const other = await run(page);
  expect(other.startsWith('Different from the record, first in the initial parameters'), `with seed 2: "${other}"`);

  await stopAtFirstStep(page, expect);
}

const progressOf = page => page.$eval('#progress', bar => bar.value);
const disabledOf = page => page.$$eval('#run, #which, #chosen, #wanted, #seed', all => all.filter(each => each.disabled).length);

async function stopAtFirstStep(page, expect) {
  await page.evaluate(() => { document.getElementById('run').click(); document.getElementById('stop').click(); });
  await new Promise(resolve => setTimeout(resolve, 3000));
  expect(await stateOf(page) === 'Stopped.', `Stop at once: "${await stateOf(page)}"`);
  await page.click('#run');
  await page.waitForFunction(() => document.getElementById('state').textContent.startsWith('Epoch'), { timeout: 180000 });
  expect(await disabledOf(page) === 5, `${await disabledOf(page)} of 5 fields are disabled in a run`);
  await page.click('#stop');
  expect(await ended(page) === 'Stopped.', `Stop: "${await stateOf(page)}"`);
  expect(await disabledOf(page) === 0, `${await disabledOf(page)} of 5 fields are disabled after a run`);
  expect(await progressOf(page) === 0, `after Stop the progress is ${await progressOf(page)}`);
}

// What a field may not hold is one line, and its button starts nothing.
async function checkField(page, expect, field, begin, button, status) {
  const kept = await page.$eval(field, input => input.value);
  const type = value => page.$eval(field, (input, text) => { input.value = text; }, value);
  for (const [given, shown = given] of [['', 'nothing'], ['-1'], ['1.5'], ['1e1'], ['one'], ['9223372036854775808'],
                                        ['9'.repeat(50), '9'.repeat(40) + '…']]) {
    await type(given);
    await page.click(button);
    await page.waitForFunction((id, text) => document.querySelector(id).textContent.includes(text + ' given; '),
                               { timeout: 20000 }, status, shown).catch(() => null);
    const said = await page.$eval(status, element => element.textContent);
    const [line, range] = [`${begin}: ${shown} given; expected a whole number from `, / from [01] to \d+$/];
    expect(said.startsWith(line) && range.test(said), `${field}: "${said}", expected ${line}`);
    expect(await page.$eval('#stop', stop => stop.disabled), `${field}: ${given} starts a run`);
  }
  await type(kept);
}

const filesFromDisk = () =>
  readdirSync(data).filter(each => each.endsWith('.gz')).map(each => path.join(data, each));
const chooseOwnRun = page =>
  page.$eval('#which', select => { select.selectedIndex = 1; select.dispatchEvent(new Event('change')); });

async function checkChosen(page, expect, name, scratch) {
  await chooseOwnRun(page);
  const files = filesFromDisk();
  const cut = path.join(scratch, 'cut.gz');
  writeFileSync(cut, readFileSync(files[0]).subarray(0, 1000));
  for (const [given, line] of [
    [[], 'no file was chosen; expected train-images-idx3-ubyte, train-labels-idx1-ubyte, '],
    [[process.argv[1]], 'page.mjs is none of the record\'s files, by its SHA-256; expected train-images'],
    [[cut], 'cut.gz cannot be unpacked: it may have been cut short'],
    [files.slice(1), `${path.basename(files[0], '.gz')} missing; expected all of the record's files`],
  ]) {
    if (given.length > 0) await (await page.$('#chosen')).uploadFile(...given);
    const said = await run(page);
    expect(said.startsWith('The run ended: ' + line) && !said.includes('\n'), `"${said}", expected ${line}`);
  }
  await (await page.$('#chosen')).uploadFile(...files);
  await checkField(page, expect, '#wanted', 'Epochs', '#run', '#state');
  if (name === 'firefox') {
    await stopAtFirstStep(page, expect);
    const [start] = await cells(page);
    expect(start[2].endsWith('✓ the same'), `the start is ${start}`);
    return;
  }
  const said = await run(page);
  const rows = await cells(page);
  expect(said.startsWith('Identical'), `files from the disk: "${said}"`);
  expect(rows.length === 2 && rows[1][2].startsWith(chosen), `shows ${rows.at(-1)?.[2]}, expected ${chosen}`);
  console.log(`${name}, files from the disk: ${said}`);
}

async function checkAccessible(page, expect) {
  await page.evaluate(readFileSync(path.resolve(modules, 'node_modules/axe-core/axe.min.js'), 'utf8'));
  const violations = await page.evaluate(async () => (await globalThis.axe.run()).violations.map(
    ({ id, nodes }) => `${id}: ${nodes[0].html}`));
  for (const violation of violations) expect(false, `axe-core: ${violation}`);
}

async function checkConvolutions(page, expect) {
  const [shape, ...lines] = readFileSync(convolutions, 'utf8').trim().split('\n');
  const played = async button => {
    await page.click(button);
    await page.waitForFunction(() => /^(Done|The conv|.*: not offered)/.test(document.getElementById('played').textContent), { timeout: 180000 });
    return page.$eval('#played', element => element.textContent);
  };
  await page.$eval('#shape', (input, line) => { input.value = line; }, shape);
  for (const line of lines) {
    const [algorithm, digest] = line.split(' ');
    await page.select('#algorithm', algorithm);
    const said = await played('#play');
    const row = await page.$$eval('#convolutions tr', rows => [...rows.at(-1).cells].map(cell => cell.textContent));
    expect(said === 'Done.' && row[2] === algorithm && row[7] === digest, `${said} ${row}, expected ${line}`);
  }
  await page.$eval('#shape', input => { input.value = 'mb1ic4ih8oc4kh5sh2'; });
  const refused = await played('#play');
  const row = await page.$$eval('#convolutions tr', rows => [...rows.at(-1).cells].map(cell => cell.textContent));
  expect(/^winograd: not offered for this shape and pass: ./.test(refused) && row.length === 4 &&
         refused.endsWith(row[3]), `${refused} ${row}, expected that winograd is not offered`);
  await checkField(page, expect, '#image', 'Test image', '#filter', '#played');
  const filtered = await played('#filter');
  const sum = await page.$eval('#sum', element => element.textContent);
  const [, products, result] = /^Row \d+, column \d+: (.*) = (.*)$/.exec(sum) ?? [];
  const added = products?.split(' + ').reduce((all, each) => all + Number(each), 0);
  expect(filtered === 'Done.' && Math.abs(added - Number(result)) < 0.1, `${filtered} ${sum}`);
  expect(await page.$eval('#canvas', canvas => canvas.width) === 8 * (28 + 8 + 28), 'the picture is not drawn');
  await page.$eval('#shape', input => { input.value = 'mb64ic512ih64oc512kh9ph4'; });
  const large = await played('#play');
  expect(/^The convolution ended: .*too large for a page/.test(large), large);
}

// Chromium itself on a processor without SSSE3, which it needs for vectors, and without WebAssembly.
async function checkFlags() {
  for (const flag of ['--no-enable-ssse3', '--jitless']) {
    const browser = await launch('chrome', modules, '--js-flags=' + flag);
    const page = await browser.newPage();
    await open(page, file);
    const state = await stateOf(page);
    if (!state.startsWith('This browser has no vectors of 128 bits')) problems.push(`chrome ${flag}: ${state}`);
    await browser.close();
  }
}

// What is missing, before the page's script runs, and the line that the page then has.
async function checkMissing(browser, expect, scratch) {
  for (const [remove, line] of [
    [() => { WebAssembly.validate = () => false; }, 'This browser has no vectors of 128 bits'],
    [() => { delete globalThis.WebAssembly; }, 'This browser has no vectors of 128 bits'],
    [() => { delete globalThis.DecompressionStream; }, 'This browser cannot unpack gzip data'],
  ]) {
    const page = await browser.newPage();
    await page.evaluateOnNewDocument(remove);
    await open(page, file);
    const disabled = await page.$eval('#run', button => button.disabled);
    expect(disabled && (await stateOf(page)).startsWith(line), `"${await stateOf(page)}", expected ${line}`);
    await page.close();
  }
  const page = await browser.newPage();
  await open(page, file);
  await page.$eval('#module', element => {
    element.textContent = 'WebAssembly.Memory.prototype.grow = () => { throw new RangeError("no"); };' + element.textContent;
  });
  await chooseOwnRun(page);
  await (await page.$('#chosen')).uploadFile(...filesFromDisk());
  const said = await run(page);
  expect(said === 'The run ended: the browser gave too little memory', `without memory: "${said}"`);

  const whole = readFileSync(file);
  const unready = /<p id="state"[^>]*>(.*?)<\/p>/.exec(whole.toString())[1];
  for (const part of [0.05, 0.3, 0.6, 0.9, 0.999]) {
    const cut = path.join(scratch, 'cut.html');
    writeFileSync(cut, whole.subarray(0, Math.floor(part * whole.length)));
    await open(page, cut);
    const [text, heading] = [await stateOf(page), await page.$eval('h1', element => element.textContent)];
    expect(text === unready && heading === 'Run it again here', `${part} of the page: "${text}"`);
  }
  await page.close();
}

async function checkBrowser(name) {
  const browser = await launch(name, modules);
  const expect = (holds, what) => holds || problems.push(`${name}: ${what}`);
  const scratch = path.join(folder, name);
  mkdirSync(scratch);
  try {
    const page = await browser.newPage();
    page.on('pageerror', error => expect(false, String(error)));
    await open(page, file);
    await checkField(page, expect, '#seed', 'Seed', '#run', '#state');
    await open(page, file);
    await checkRun(page, expect, name);
    await checkConvolutions(page, expect);
    await checkAccessible(page, expect);
    await checkChosen(page, expect, name, scratch);
    await checkMissing(browser, expect, scratch);
  } finally {
    await browser.close();
  }
}

await Promise.all(['chrome', 'firefox'].map(checkBrowser));
await checkFlags();
rmSync(folder, { recursive: true });
for (const problem of problems) console.error(`page.mjs: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
