// Trains LeNet-5 by the WebAssembly module, without a page, and compares what the published digest
// was made of: usage: node train.mjs MODULE FIXTURE EXPECTED [SEED]
//   MODULE     reprise_web.js, as lib/web/build makes it
//   FIXTURE    a folder with gzipped IDX files
//   EXPECTED   SHA-256 of the parameters after two epochs
//   SEED       of the run (1)
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import zlib from 'node:zlib';

const [module, fixture, expected, seed = '1'] = process.argv.slice(2);
const makeReprise = createRequire(import.meta.url)(path.resolve(module));
const told = [];
const reprise = await makeReprise({ tell: (message) => told.push(message) });
reprise.FS.mkdir('/data');
for (const name of fs.readdirSync(fixture)) {
  const bytes = fs.readFileSync(path.join(fixture, name));
  if (name.endsWith('.gz')) reprise.FS.writeFile(`/data/${name.slice(0, -3)}`, zlib.gunzipSync(bytes));
  if (name.endsWith('.txt')) reprise.FS.writeFile(`/data/${name}`, bytes);
}
const train = (settings, folder = '/data') => {
  told.length = 0;
  reprise.ccall('reprise_train', null, ['string', 'string'], [settings, folder]);
  return told.at(-1);
};

const problems = [];
const expect = (holds, what) => holds || problems.push(what);
const last = train(`seed = ${seed}\nepochs = 2\n`);
expect(last.kind === 'done' && last.parameters === expected, `${last.parameters ?? last.text}, expected ${expected}`);
const kinds = told.map((message) => message.kind);
expect(kinds[0] === 'begun', `the first message is ${kinds[0]}, expected begun`);
expect(kinds.filter((kind) => kind === 'epoch').length === 2, 'expected two epochs to be told of');
const begun = told[0];
expect(kinds.filter((kind) => kind === 'step').length === 2 * begun.steps, 'expected every step to be told of');
const seconds = told.filter((message) => message.kind === 'epoch').reduce((sum, epoch) => sum + epoch.seconds, 0);
console.log(`${begun.simd}: ${last.parameters}, ${Math.round((2 * begun.images) / seconds)} images a second`);

const other = train(`seed = ${Number(seed) + 1}\nepochs = 1\n`);
expect(other.kind === 'done' && other.parameters !== expected, 'another seed gives the same parameters');
for (const [settings, folder, part] of [
  ['epohcs = 2\n', '/data', 'epochs'],
  ['epochs = 0\n', '/data', 'epochs'],
  ['epochs = 1\n', '/none', '/none'],
]) {
  const refused = train(settings, folder);
  expect(refused.kind === 'error' && refused.text.includes(part), `${JSON.stringify(refused)}, expected an error`);
}
for (const problem of problems) console.error(`train.mjs: ${problem}`);
process.exit(problems.length === 0 ? 0 : 1);
