// Trains one of the page's runs in a worker and sets what it tells beside what the record has.
const element = id => document.getElementById(id);
const runs = JSON.parse(element('runs').textContent);
const bytesOf = text => Uint8Array.from(atob(text.trim()), c => c.charCodeAt(0));
const unpacked = async (bytes, name) => {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip')).getReader();
    const parts = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) parts.push(part.value);
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch (error) {
    throw new Error(name + ' cannot be unpacked: it may have been cut short');
  }
};
// A function whose result is a vector of 128 bits.
const hasVectors = typeof WebAssembly === 'object' && WebAssembly.validate(new Uint8Array(
  [0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11]));

// The worker: files go by their SHA-256, whatever they are called.
const train = async (reprise, { settings, classes, files, wanted }) => {
  reprise.FS.mkdir('/data');
  const missing = new Map(wanted.sha256.map((sum, i) => [sum, wanted.files[i]]));
  for (const [name, bytes] of files) {
    reprise.FS.writeFile('/file', await unpacked(bytes, name));
    const sum = reprise.ccall('reprise_sha256', 'string', ['string'], ['/file']);
    if (sum === '') return; // the module has told why
    if (!wanted.sha256.includes(sum)) {
      throw new Error(`${name} is none of the record's files, by its SHA-256; expected ${wanted.files.join(', ')}`);
    }
    reprise.FS.rename('/file', '/data/' + wanted.files[wanted.sha256.indexOf(sum)]);
    missing.delete(sum);
  }
  if (missing.size > 0) {
    throw new Error([...missing.values()].join(', ') + ' missing; expected all of the record\'s files');
  }
  reprise.FS.writeFile('/data/class_names.txt', classes.join('\n') + '\n');
  reprise.ccall('reprise_train', null, ['string', 'string'], [settings, '/data']);
};
const work = async ({ data }) => {
  const tell = message => postMessage(message);
  try {
    reprise ??= await makeReprise({ wasmBinary: await unpacked(data.wasm, 'The module'), tell });
    await jobs[data.job](reprise, data, tell);
  } catch (error) {
    tell({ kind: 'error', text: error.message || String(error) });
  }
};
const newWorker = () => new Worker(URL.createObjectURL(new Blob([[element('module').textContent, 'let reprise = null',
  'const unpacked = ' + unpacked, `const jobs = { train: ${train}, play: ${play}, filter: ${filter} }`,
  'onmessage = ' + work].join(';\n')], { type: 'text/javascript' })));

const say = text => { element('state').textContent = text; };
// Why a run ended, in one line.
const noMemory = /bad_alloc|out of memory|could not allocate|cannot enlarge memory/i;
const reason = text => noMemory.test(text) ? 'the browser gave too little memory' : text.split('\n')[0];
const recorded = () => runs[element('which').selectedIndex];
const codeOf = text => {
  const code = document.createElement('code');
  code.append(text);
  return code;
};
let worker = null;

// The whole number in a field, as text; Error if it holds another thing.
function numberIn(name, title, lowest, highest) {
  const text = element(name).value.trim();
  if (/^[+-]?\d{1,20}$/.test(text) && BigInt(text) >= lowest && BigInt(text) <= highest) return String(BigInt(text));
  const given = text === '' ? 'nothing' : text.length > 40 ? text.slice(0, 40) + '…' : text;
  throw new Error(`${title}: ${given} given; expected a whole number from ${lowest} to ${highest}`);
}

// What a run is made of stays as it is until the run has ended.
function setRunning(running, progress) {
  for (const name of ['run', 'which', 'chosen', 'wanted', 'seed']) element(name).disabled = running;
  element('stop').disabled = !running;
  element('progress').value = progress;
}

function end(text, progress = 0) {
  if (worker) worker.terminate();
  worker = null;
  setRunning(false, progress);
  say(text);
}

function addRow(name, expected, found, ...numbers) {
  const row = element('epochs').insertRow();
  for (const content of [name, codeOf(expected), codeOf(found), ...numbers]) row.insertCell().append(content);
  const same = expected === found;
  row.cells[2].className = same ? 'same' : 'different';
  row.cells[2].append(same ? ' ✓ the same' : ' ✗ different');
  return same;
}

// Name and bytes of each file of the run: what the page holds, or what the reader has chosen.
async function filesOf(run) {
  if (run.in_page) {
    return [...document.querySelectorAll('script.file')].map(file => [file.dataset.name, bytesOf(file.textContent)]);
  }
  const files = [...element('chosen').files];
  if (files.length === 0) throw new Error('no file was chosen; expected ' + run.files.join(', '));
  const large = files.find(file => file.size > 2 ** 28);
  if (large) throw new Error(`${large.name} is none of the record's files: it has more than 256 MB`);
  return Promise.all(files.map(async file => [file.name, new Uint8Array(await file.arrayBuffer())]));
}

// What the fields ask for; Error if one of them holds another thing than it may.
function askedFor() {
  const record = recorded();
  const wanted = record.in_page ? record.epochs.length : Number(numberIn('wanted', 'Epochs', 1, record.epochs.length));
  const seed = numberIn('seed', 'Seed', 0, 2n ** 63n - 1n);
  return { record, wanted, settings: record.settings.join('\n').replace(/^seed = .*$/m, 'seed = ' + seed) + '\n' };
}

async function run({ record, wanted, settings }) {
  setRunning(true, 0);
  element('epochs').replaceChildren();
  element('loss').setAttribute('d', '');
  say('Unpacking …');
  const own = worker = newWorker();
  const files = await filesOf(record);
  if (worker !== own) return; // stopped meanwhile
  let [begun, started, firstDifference, steps, largest, curve] = [null, 0, '', 0, 0, ''];
  worker.onerror = event => end('The run ended: ' + reason(event.message || 'the browser gave no reason'));
  worker.onmessage = ({ data }) => {
    if (data.kind === 'begun') {
      [begun, started] = [data, performance.now()];
      if (!addRow('start', record.initial, data.parameters, '', '')) firstDifference = 'the initial parameters';
    } else if (data.kind === 'step') {
      const all = wanted * data.steps;
      largest ||= data.loss;
      const [x, y] = [400 * steps / Math.max(all - 1, 1), 120 - 119 * Math.min(1, data.loss / largest)];
      curve += `${curve ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
      steps += 1;
      const left = (performance.now() - started) / steps * (all - steps) / 1000;
      element('progress').value = steps / all;
      say(`Epoch ${data.epoch} of ${wanted}, step ${data.done} of ${data.steps}; ${Math.ceil(left)} s left`);
      element('loss').setAttribute('d', curve);
    } else if (data.kind === 'epoch') {
      const same = addRow(String(data.epoch), record.epochs[data.epoch - 1], data.parameters,
                          (100 * data.test_error).toFixed(2), String(Math.round(begun.images / data.seconds)));
      if (!same && !firstDifference) firstDifference = 'epoch ' + data.epoch;
      if (data.epoch < wanted) return;
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      end(firstDifference ? `Different from the record, first in ${firstDifference}. ${seconds} s.`
                          : `Identical: every digest is the record's. ${seconds} s.`, 1);
    } else if (data.kind === 'error') {
      end('The run ended: ' + reason(data.text));
    }
  };
  worker.postMessage({ job: 'train', settings, classes: [record.name, ...record.classes], files, wanted: record,
                       wasm: bytesOf(element('wasm').textContent) });
}

function choose() {
  const record = recorded();
  element('seed').value = /^seed = (-?\d+)$/m.exec(record.settings.join('\n'))[1];
  element('from_disk').hidden = record.in_page;
  element('names').textContent = record.files.join(', ');
  element('at_most').textContent = record.epochs.length === 1 ? '' : ` (1 to ${record.epochs.length})`;
  say(record.in_page ? 'Ready. It takes some seconds, on one thread.'
                     : 'Ready, once its files are chosen. An epoch takes a minute or more, on one thread.');
}

for (const record of runs) {
  const source = record.in_page ? 'in this page' : 'of ' + record.name + ', from files on your disk';
  const images = record.images === 1 ? '1 image' : record.images.toLocaleString('en') + ' images';
  element('which').add(new Option(`${record.record}: ${images} ${source}`));
}
element('other').hidden = runs.length === 1;
if (!hasVectors) {
  say('This browser has no vectors of 128 bits in WebAssembly, or no WebAssembly; a current Firefox or Chromium ' +
      'has them.');
} else if (typeof DecompressionStream !== 'function') {
  say('This browser cannot unpack gzip data (DecompressionStream); a current Firefox or Chromium can.');
} else {
  choose();
  element('run').disabled = false;
  element('which').addEventListener('change', choose);
  element('run').addEventListener('click', () => {
    try {
      run(askedFor()).catch(error => end('The run ended: ' + reason(error.message)));
    } catch (error) {
      say(error.message);
    }
  });
  element('stop').addEventListener('click', () => end('Stopped.'));
  makePlayable();
}
